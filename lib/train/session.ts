import { join } from 'node:path'
import { type EmaRule, FINAL, type HistoryRow, type Progress, type RunFacts, type Weights } from '../checkpoint/run-manifest.js'
import { restoreTraining } from '../checkpoint/run-weights.js'
import { type NativeModel, type NativeTrainer, native } from '../native.js'
import type { Group } from '../ranks/group.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import { sampled } from '../statistics/random.js'
import { type Chosen, chosenOf } from './chosen-parameters.js'
import { type Contrastive, openContrastive } from './contrastive-loss.js'
import { type Initial, initialise } from './initial.js'
import { fitStart } from './memory-start.js'
import { heldRows, type Prepared } from './prepare.js'
import type { Plan, TrainSettings } from './recipe.js'
import type { From } from './resume.js'
import { freshSchedule, planned, totalSteps } from './schedule.js'
import { openHeldOut, openWatched, type Watched } from './watched.js'

/** Model, trainer and state of a training. */
export interface Session {
  readonly plan: Plan
  /** The processes that share the training; undefined for a single one. */
  readonly group: Group | undefined
  readonly data: Prepared
  readonly spec: Node
  readonly model: NativeModel
  readonly trainer: NativeTrainer
  readonly device: string
  readonly dtype: 'float32' | 'bfloat16'
  readonly threads: number
  readonly parameters: number
  readonly chosen: Chosen
  readonly steps: number
  readonly trainSample: Int32Array
  readonly contrastive: Contrastive | undefined
  readonly watched: Watched
  /** The same for the rows that a fold holds out, where the epochs rank targets. */
  readonly heldOut: Watched | undefined
  /** File of the initial weights; null for random ones. */
  readonly init: RunFacts['init']
  /** How each initial tensor was placed; undefined for a resumed run. */
  readonly initialised: Awaited<ReturnType<typeof initialise>> | undefined
  /** Verdict of the data audit; null before it. */
  audit: RunFacts['audit']
  /** How weights are averaged; null without averaging. */
  readonly emaRule: EmaRule | null
  progress: Progress
  history: HistoryRow[]
  /** Whether the store holds a save of this training; the next save keeps its unchanged files. */
  saved: boolean
  /** Whether the best weights are in the previous save's file of earlier best weights. */
  undone: boolean
}

const freshProgress = ({ train: { lr }, lrTest, batchTest }: Plan, total: number): Progress => ({
  ...(batchTest && { batch_test: batchTest }),
  ...(lrTest && { lr_test: lrTest }),
  epoch: 0,
  step: 0,
  optimizer_steps: 0,
  sums: { loss: 0, gradNorm: 0, windows: 0, steps: 0 },
  schedule: freshSchedule(lr),
  plan: planned(total),
  best: null,
  epoch_seconds: 0,
  seconds: 0,
  finished: false,
})

const trainerSettings = (
  train: TrainSettings,
  o: {
    groups: number | undefined
    recompute: boolean
    emaRule: EmaRule | null
    contrastive: Contrastive | undefined
    chosen: Chosen
    group: Group | undefined
  },
) => ({
  batch: train.batchSize,
  accumulate: train.accumulate,
  vectors: train.batchVectors,
  ...(o.groups !== undefined && { groups: o.groups }),
  ...(o.contrastive && { contrastive: o.contrastive }),
  loss: train.loss === 'cosine' ? train.loss : ('mse' as const),
  bf16: train.precision === 'bf16' && train.weights === 'fp32',
  sequence: train.objective === 'sequence',
  recompute: o.recompute,
  keepZeros: train.keepZeros,
  ...(train.shuffleBuffer !== undefined && { buffer: train.shuffleBuffer }),
  seed: train.seed,
  weightDecay: train.weightDecay,
  beta1: train.beta1,
  beta2: train.beta2,
  eps: train.eps,
  clip: train.clip,
  ema: train.ema,
  emaWarmup: o.emaRule === 'warmup',
  lrScales: o.chosen.lrScales,
  ranks: o.group?.native,
  shareState: o.group !== undefined && train.shardOptimizer,
})

/** Training windows that each epoch evaluates. */
const judgedTraining = ({ train: { trainEval, seed } }: Plan, { split }: Prepared) =>
  sampled(split.train, trainEval === 'all' ? undefined : Number(trainEval), seed)

async function restore(model: NativeModel, trainer: NativeTrainer, { path, progress }: From): Promise<void> {
  await restoreTraining(model, trainer, join(path, FINAL), progress.optimizer_steps)
  native.trainerSums(trainer, progress.sums)
  if (progress.temperature !== undefined) native.trainerTemperature(trainer, progress.temperature)
}

/** Another trainer of a session's model, with other settings. */
export const trainerOf = (
  { model, data, emaRule, contrastive, chosen, group }: Session,
  train: TrainSettings,
  recompute: boolean,
) =>
  native.trainer(
    model,
    data.read.samples,
    data.split.train,
    trainerSettings(train, { groups: data.read.groups, recompute, emaRule, contrastive, chosen, group }),
  )

interface Asked {
  readonly spec: Node
  readonly device: string
  readonly threads: number
  readonly recompute: boolean
  readonly initial?: Initial | undefined
  readonly group?: Group | undefined
  readonly from?: From
}

/** Builds the model and its trainer, and restores them from a checkpoint on resume. */
export async function openSession(plan: Plan, data: Prepared, o: Asked): Promise<Session> {
  const { train } = plan
  const dtype = train.weights === 'bf16' ? 'bfloat16' : 'float32'
  const emaRule = train.ema === 0 ? null : o.from === undefined ? 'warmup' : (o.from.facts.ema_rule ?? 'constant')
  const model = await native.model(o.spec, dtype, o.device, o.from === undefined ? train.seed : null)
  let trainer: NativeTrainer | undefined
  let initialised: Session['initialised']
  let contrastive: Contrastive | undefined
  let watched: Watched | undefined
  let heldOut: Watched | undefined
  let chosen: Chosen
  const trainSample = judgedTraining(plan, data)
  try {
    chosen = chosenOf(model, train)
    if (o.from === undefined) await fitStart(model, o.spec, data, train.loss)
    if (o.initial !== undefined) initialised = await initialise(model, o.spec, o.initial, plan, data.context)
    const { samples, groups } = data.read
    contrastive = await openContrastive(train, data, trainSample, o.spec.params.output)
    watched = await openWatched(train, data, data.val === data.train ? heldRows(data.val, data.split) : undefined)
    heldOut = await openHeldOut(train, data)
    const settings = trainerSettings(train, { groups, recompute: o.recompute, emaRule, contrastive, chosen, group: o.group })
    trainer = await native.trainer(model, samples, data.split.train, settings)
    if (o.from !== undefined) await restore(model, trainer, o.from)
  } catch (error) {
    contrastive?.dispose()
    watched?.dispose()
    heldOut?.dispose()
    if (trainer !== undefined) native.dispose(trainer)
    native.dispose(model)
    throw error
  }
  const steps = native.trainerStepsPerEpoch(trainer)
  return {
    plan,
    group: o.group,
    data,
    spec: o.spec,
    model,
    trainer,
    device: o.device,
    dtype,
    threads: o.threads,
    parameters: countParameters(o.spec),
    chosen,
    steps,
    trainSample,
    contrastive,
    watched,
    heldOut,
    init: o.from?.facts.init ?? (o.initial ? { path: o.initial.path, sha256: o.initial.sha256 } : null),
    initialised,
    audit: o.from?.facts.audit ?? null,
    emaRule,
    progress: o.from?.progress ?? freshProgress(plan, totalSteps(train, steps)),
    history: o.from?.history ?? [],
    saved: o.from !== undefined,
    undone: o.from?.undone ?? false,
  }
}

export function closeSession({ trainer, model, contrastive, watched, heldOut }: Session): void {
  watched.dispose()
  heldOut?.dispose()
  contrastive?.dispose()
  native.dispose(trainer)
  native.dispose(model)
}

/** Whether each of several processes keeps a part of the optimizer's state, so that all take part in what concerns it. */
export const isSharded = ({ group, plan: { train } }: Pick<Session, 'group' | 'plan'>): boolean =>
  group !== undefined && train.shardOptimizer

/** Runs a function while the model holds the raw or the averaged weights. */
export async function holding<T>(session: Session, weights: Weights, what: () => Promise<T>): Promise<T> {
  if (weights === 'raw') return what()
  const swap = async () => {
    await session.group?.ask('swap')
    await native.trainerSwap(session.trainer)
  }
  await swap()
  try {
    return await what()
  } finally {
    await swap()
  }
}

/** Weights that a save stores as `model_state_dict`: those of the last evaluation, or the average within an epoch. */
export function standing({ emaRule, progress, history }: Session): Weights {
  if (emaRule === null) return 'raw'
  return progress.step === 0 ? (history.at(-1)?.weights ?? 'average') : 'average'
}
