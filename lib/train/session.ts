import { join } from 'node:path'
import { FINAL, type HistoryRow, type Progress, type RunFacts } from '../checkpoint/run.js'
import { restoreTraining } from '../checkpoint/weights.js'
import { atOnce } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { peakMemory } from '../evaluate/latency.js'
import { describe } from '../evaluate/statistics.js'
import { type NativeModel, type NativeTrainer, native, type Scores } from '../native.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import { type Initial, initialise } from './initial.js'
import { fitInput } from './normaliser.js'
import { type Prepared, type Side, sampled } from './prepare.js'
import type { Plan } from './recipe.js'
import { freshSchedule } from './schedule.js'

/** Batches that are judged in one call, between which a training can be stopped. */
const CALL = 2

/** A model and its trainer, and where they stand. */
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
  /** The weights that it started from, and what became of each; of one that goes on, only which they were. */
  readonly init: RunFacts['init']
  readonly initialised: Awaited<ReturnType<typeof initialise>> | undefined
  /** What the audit of the data said; null until it has. */
  audit: RunFacts['audit']
  progress: Progress
  history: HistoryRow[]
  /** Whether the store holds a save of this training, whose unchanged files the next one keeps. */
  saved: boolean
}

const freshProgress = (lr: number): Progress => ({
  epoch: 0,
  step: 0,
  optimizer_steps: 0,
  sums: { loss: 0, gradNorm: 0, windows: 0, steps: 0 },
  schedule: freshSchedule(lr),
  best: null,
  epoch_seconds: 0,
  seconds: 0,
  finished: false,
})

/** Builds the model and its trainer, and brings them to where a checkpoint stands if there is one. */
export async function openSession(
  plan: Plan,
  data: Prepared,
  o: {
    spec: Node
    device: string
    threads: number
    recompute: boolean
    initial?: Initial | undefined
    from?: { path: string; progress: Progress; history: HistoryRow[]; init: RunFacts['init']; audit: RunFacts['audit'] }
  },
): Promise<Session> {
  const { train } = plan
  const dtype = train.weights === 'bf16' ? 'bfloat16' : 'float32'
  const model = await native.model(o.spec, dtype, o.device, o.from === undefined ? train.seed : null)
  let trainer: NativeTrainer | undefined
  let initialised: Session['initialised']
  try {
    if (o.from === undefined) await fitInput(model, o.spec, data)
    if (o.initial !== undefined) initialised = await initialise(model, o.spec, o.initial, plan)
    trainer = native.trainer(model, data.train.samples, data.split.train, {
      batch: train.batchSize,
      accumulate: train.accumulate,
      loss: train.loss,
      bf16: train.precision === 'bf16' && dtype === 'float32',
      sequence: train.objective === 'sequence',
      recompute: o.recompute,
      keepZeros: train.keepZeros,
      seed: train.seed,
      weightDecay: train.weightDecay,
      beta1: train.beta1,
      beta2: train.beta2,
      eps: train.eps,
      clip: train.clip,
      ema: train.ema,
    })
    if (o.from !== undefined) {
      await restoreTraining(model, trainer, join(o.from.path, FINAL), o.from.progress.optimizer_steps)
      native.trainerSums(trainer, o.from.progress.sums)
    }
  } catch (error) {
    if (trainer !== undefined) native.dispose(trainer)
    native.dispose(model)
    throw error
  }
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
    steps: native.trainerStepsPerEpoch(trainer),
    trainSample: sampled(data.split.train, train.trainEval === 'all' ? undefined : Number(train.trainEval), train.seed),
    init: o.from?.init ?? (o.initial ? { path: o.initial.path, sha256: o.initial.sha256 } : null),
    initialised,
    audit: o.from?.audit ?? null,
    progress: o.from?.progress ?? freshProgress(train.lr),
    history: o.from?.history ?? [],
    saved: o.from !== undefined,
  }
}

export function closeSession({ trainer, model }: Session): void {
  native.dispose(trainer)
  native.dispose(model)
}

/** The one function behind every loss and cosine of a training: eval mode, float64 sums. */
async function judge({ model, plan }: Session, { samples, windows }: Side, ids: Int32Array, signal: AbortSignal) {
  const batch = atOnce(windows.context)
  const parts: Scores[] = []
  for (let at = 0; at < ids.length; at += CALL * batch) {
    if (signal.aborted) throw new LvmError('INTERRUPTED', 'training was stopped while it evaluated')
    parts.push(await native.evaluate(model, samples, ids.subarray(at, at + CALL * batch), { batch, centre: null }))
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

/** The history row of the epoch that just ended, from the weights that are in the model now. */
export async function evaluateEpoch(session: Session, lr: number, signal: AbortSignal): Promise<HistoryRow> {
  const { data, progress } = session
  const start = performance.now()
  const train = await judge(session, data.train, session.trainSample, signal)
  const val = await judge(session, data.val, data.split.val, signal)
  const { loss, gradNorm, windows, steps } = native.trainerSums(session.trainer)
  const trained = progress.epoch > 0
  if (!Number.isFinite(val.loss) || !Number.isFinite(train.loss)) {
    throw new LvmError('DIVERGED', `training: the loss of epoch ${progress.epoch} is ${val.loss} on the validation windows`)
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
  }
}
