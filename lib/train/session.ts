import { join } from 'node:path'
import { type EmaRule, FINAL, type HistoryRow, type Progress, type RunFacts, type Weights } from '../checkpoint/run-manifest.js'
import { restoreTraining } from '../checkpoint/run-weights.js'
import { atOnce } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { peakMemory } from '../evaluate/latency.js'
import { type NativeModel, type NativeTrainer, native, type Scores } from '../native.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import { describe } from '../statistics/estimates.js'
import { sampled } from '../statistics/random.js'
import { type Initial, initialise } from './initial.js'
import { fitMemory } from './memory-start.js'
import { fitInput } from './normaliser.js'
import type { Prepared, Side } from './prepare.js'
import type { Plan, TrainSettings } from './recipe.js'
import type { From } from './resume.js'
import { freshSchedule, planned, totalSteps } from './schedule.js'

/** Batches evaluated in one call; a training can be stopped between calls. */
const CALL = 2
/** Windows of unequal contexts evaluated in one call: those that begin together are one pass, which a small call would divide. */
const WHOLE = 2048

/** Model, trainer and state of a training. */
export interface Session {
  readonly plan: Plan
  readonly data: Prepared
  readonly spec: Node
  readonly model: NativeModel
  readonly trainer: NativeTrainer
  readonly device: string
  readonly dtype: 'float32' | 'bfloat16'
  readonly threads: number
  readonly parameters: number
  readonly steps: number
  readonly trainSample: Int32Array
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

const freshProgress = (lr: number, total: number): Progress => ({
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

const trainerSettings = (train: TrainSettings, groups: number | undefined, recompute: boolean, emaRule: EmaRule | null) => ({
  batch: train.batchSize,
  accumulate: train.accumulate,
  vectors: train.batchVectors,
  ...(groups !== undefined && { groups }),
  loss: train.loss,
  bf16: train.precision === 'bf16' && train.weights === 'fp32',
  sequence: train.objective === 'sequence',
  recompute,
  keepZeros: train.keepZeros,
  seed: train.seed,
  weightDecay: train.weightDecay,
  beta1: train.beta1,
  beta2: train.beta2,
  eps: train.eps,
  clip: train.clip,
  ema: train.ema,
  emaWarmup: emaRule === 'warmup',
})

/** Builds the model and its trainer, and restores them from a checkpoint on resume. */
export async function openSession(
  plan: Plan,
  data: Prepared,
  o: {
    spec: Node
    device: string
    threads: number
    recompute: boolean
    initial?: Initial | undefined
    from?: From
  },
): Promise<Session> {
  const { train } = plan
  const dtype = train.weights === 'bf16' ? 'bfloat16' : 'float32'
  const emaRule = train.ema === 0 ? null : o.from === undefined ? 'warmup' : (o.from.facts.ema_rule ?? 'constant')
  const model = await native.model(o.spec, dtype, o.device, o.from === undefined ? train.seed : null)
  let trainer: NativeTrainer | undefined
  let initialised: Session['initialised']
  try {
    if (o.from === undefined) {
      await fitInput(model, o.spec, data)
      await fitMemory(model, o.spec, data)
    }
    if (o.initial !== undefined) initialised = await initialise(model, o.spec, o.initial, plan, data.context)
    const { samples, groups } = data.read
    trainer = await native.trainer(model, samples, data.split.train, trainerSettings(train, groups, o.recompute, emaRule))
    if (o.from !== undefined) {
      await restoreTraining(model, trainer, join(o.from.path, FINAL), o.from.progress.optimizer_steps)
      native.trainerSums(trainer, o.from.progress.sums)
    }
  } catch (error) {
    if (trainer !== undefined) native.dispose(trainer)
    native.dispose(model)
    throw error
  }
  const steps = native.trainerStepsPerEpoch(trainer)
  return {
    plan,
    data,
    spec: o.spec,
    model,
    trainer,
    device: o.device,
    dtype,
    threads: o.threads,
    parameters: countParameters(o.spec),
    steps,
    trainSample: sampled(data.split.train, train.trainEval === 'all' ? undefined : Number(train.trainEval), train.seed),
    init: o.from?.facts.init ?? (o.initial ? { path: o.initial.path, sha256: o.initial.sha256 } : null),
    initialised,
    audit: o.from?.facts.audit ?? null,
    emaRule,
    progress: o.from?.progress ?? freshProgress(train.lr, totalSteps(train, steps)),
    history: o.from?.history ?? [],
    saved: o.from !== undefined,
    undone: o.from?.undone ?? false,
  }
}

export function closeSession({ trainer, model }: Session): void {
  native.dispose(trainer)
  native.dispose(model)
}

/** Loss and cosine of windows, in eval mode with float64 sums. */
async function evaluateWindows({ model, plan }: Session, { samples, windows }: Side, ids: Int32Array, signal: AbortSignal) {
  const batch = atOnce(windows.context)
  const step = windows.length === undefined ? CALL * batch : Math.max(WHOLE, CALL * batch)
  const parts: Scores[] = []
  for (let at = 0; at < ids.length; at += step) {
    if (signal.aborted) throw new LvmError('INTERRUPTED', 'training was stopped while it evaluated')
    parts.push(await native.evaluate(model, samples, ids.subarray(at, at + step), { batch, centre: null }))
  }
  const column = (key: keyof Scores) => {
    const all = new Float64Array(ids.length)
    let at = 0
    for (const part of parts) {
      all.set(part[key], at)
      at += part[key].length
    }
    return describe(all)
  }
  const cosine = column('cosine').mean
  const mse = column(plan.model.output === 'unit' ? 'mseUnit' : 'mseRaw').mean
  return { loss: plan.train.loss === 'cosine' ? 1 - cosine : mse, cosine, norm: column('norm') }
}

/** Runs a function while the model holds the raw or the averaged weights. */
export async function holding<T>({ trainer }: Session, weights: Weights, what: () => Promise<T>): Promise<T> {
  if (weights === 'raw') return what()
  await native.trainerSwap(trainer)
  try {
    return await what()
  } finally {
    await native.trainerSwap(trainer)
  }
}

/** Weights that a save stores as `model_state_dict`: those of the last evaluation, or the average within an epoch. */
export function standing({ emaRule, progress, history }: Session): Weights {
  if (emaRule === null) return 'raw'
  return progress.step === 0 ? (history.at(-1)?.weights ?? 'average') : 'average'
}

/** Weights that an epoch's evaluation compares; the first wins ties. */
function candidates({ emaRule, progress }: Session): readonly Weights[] {
  if (emaRule === null || (emaRule === 'warmup' && progress.optimizer_steps === 0)) return ['raw']
  return emaRule === 'warmup' ? ['average', 'raw'] : ['average']
}

/** Evaluates raw and averaged weights after an epoch; returns the history row of the better ones. Errors: DIVERGED. */
export async function evaluateEpoch(session: Session, lr: number, signal: AbortSignal): Promise<HistoryRow> {
  const { data, progress, emaRule } = session
  const start = performance.now()
  const evaluated = []
  for (const weights of candidates(session)) {
    const scores = await holding(session, weights, () => evaluateWindows(session, data.val, data.split.val, signal))
    evaluated.push({ weights, ...scores })
  }
  const finite = ({ loss }: { loss: number }) => Number.isFinite(loss)
  const val =
    evaluated.find((each) => !finite(each)) ?? evaluated.reduce((best, other) => (other.loss < best.loss ? other : best))
  const train = await holding(session, val.weights, () => evaluateWindows(session, data.train, session.trainSample, signal))
  const { loss, gradNorm, windows, steps } = native.trainerSums(session.trainer)
  const trained = progress.epoch > 0
  const diverged = Object.entries({ training: train, validation: val }).filter(([, scores]) => !finite(scores))
  if (diverged.length > 0) {
    const what = diverged.map(([part, { loss }]) => `the loss on the ${part} windows is ${loss}`).join(' and ')
    throw new LvmError('DIVERGED', `training: ${what} after epoch ${progress.epoch} (step ${progress.optimizer_steps})`)
  }
  return {
    epoch: progress.epoch,
    train_loss_running: trained ? loss / windows : null,
    train_loss: train.loss,
    train_cosine: train.cosine,
    val_loss: val.loss,
    val_cosine: val.cosine,
    lr,
    grad_norm: trained ? gradNorm / steps : null,
    output_norm_mean: val.norm.mean,
    output_norm_sd: val.norm.sd,
    seconds: progress.epoch_seconds + (performance.now() - start) / 1000,
    samples_per_second: trained ? windows / progress.epoch_seconds : null,
    peak_memory_bytes: peakMemory(),
    ...(emaRule === 'warmup' && { weights: val.weights }),
    ...(evaluated.length > 1 &&
      Object.fromEntries(
        evaluated.flatMap(({ weights, loss, cosine }) => [
          [`val_loss_${weights}`, loss],
          [`val_cosine_${weights}`, cosine],
        ]),
      )),
  }
}
