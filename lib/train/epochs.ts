import type { HistoryRow } from '../checkpoint/run.js'
import type { Store } from '../checkpoint/store.js'
import { asLvmError } from '../errors.js'
import { native } from '../native.js'
import type { Told } from './events.js'
import { saveSession } from './save.js'
import { afterEpoch, rates } from './schedule.js'
import { evaluateEpoch, type Session } from './session.js'

const SAVE_SECONDS = 300
/** How long a call into C++ should take: short enough for a progress bar, long enough to cost nothing. */
const CALL_SECONDS = 0.5

export type Stopped = 'done' | 'early-stop' | 'max-steps' | 'interrupted'

/** Steps of the whole training, and of the epoch that is being trained. */
function lengths({ plan: { train }, steps, progress }: Session): { total: number; epoch: number } {
  const total = Math.min(train.epochs * steps, train.maxSteps ?? Infinity)
  return { total, epoch: Math.min(steps, total - (progress.epoch - 1) * steps) }
}

/** With averaged weights, runs something while they stand in the model's place. */
async function judged<T>({ trainer }: Session, what: () => Promise<T>): Promise<T> {
  await native.trainerSwap(trainer)
  try {
    return await what()
  } finally {
    await native.trainerSwap(trainer)
  }
}

async function save(
  session: Session,
  store: Store,
  reason: 'epoch' | 'timer' | 'steps' | 'stop',
  o = { best: false, complete: false },
): Promise<Told> {
  const { progress, trainer } = session
  progress.sums = native.trainerSums(trainer)
  progress.optimizer_steps = native.trainerState(trainer).steps
  const generation = await saveSession(session, store, o)
  return { type: 'saved', epoch: progress.epoch, step: progress.step, generation, reason }
}

/** Trains to the end of the epoch or until stopped; saves by steps and by the clock. */
async function* steps(session: Session, store: Store, signal: AbortSignal): AsyncGenerator<Told> {
  const { trainer, progress, plan } = session
  const { train } = plan
  const { total, epoch: end } = lengths(session)
  let chunk = 1
  let lastSave = performance.now()
  let sinceSave = 0
  while (progress.step < end && !signal.aborted) {
    const count = Math.min(chunk, end - progress.step, (train.saveEvery ?? Infinity) - sinceSave)
    const before = (progress.epoch - 1) * session.steps + progress.step
    const lrs = rates(train, progress.schedule, before, count, total)
    const start = performance.now()
    const made = await native.trainerRun(trainer, progress.epoch, progress.step, lrs)
    const seconds = (performance.now() - start) / 1000
    progress.step += made
    progress.epoch_seconds += seconds
    progress.seconds += seconds
    sinceSave += made
    chunk = Math.max(1, Math.min(10_000, Math.round((CALL_SECONDS * Math.max(1, made)) / Math.max(seconds, 1e-6))))
    const { loss } = native.trainerProgress(trainer)
    const perStep = progress.epoch_seconds / Math.max(1, progress.step)
    yield {
      type: 'progress',
      epoch: progress.epoch,
      epochs: train.epochs,
      step: progress.step,
      steps: end,
      loss,
      lr: lrs.at(-1) ?? progress.schedule.lr,
      samples_per_second: (train.batchSize * train.accumulate) / perStep,
      seconds_left: perStep * (total - (progress.epoch - 1) * session.steps - progress.step),
    }
    const due =
      sinceSave >= (train.saveEvery ?? Infinity)
        ? 'steps'
        : performance.now() - lastSave > SAVE_SECONDS * 1000
          ? 'timer'
          : undefined
    if (due === undefined || progress.step >= end || signal.aborted) continue
    yield await judged(session, () => save(session, store, due))
    lastSave = performance.now()
    sinceSave = 0
  }
}

/** Judges the epoch that ended, moves the schedule on and saves. */
async function* finishEpoch(session: Session, store: Store, signal: AbortSignal): AsyncGenerator<Told, HistoryRow> {
  const { plan, progress } = session
  const { total } = lengths(session)
  const done = (progress.epoch - 1) * session.steps + progress.step
  const lr = progress.epoch === 0 ? plan.train.lr : rates(plan.train, progress.schedule, done - 1, 1, total)[0]!
  const start = performance.now()
  const swapped = await judged(session, async () => {
    const row = await evaluateEpoch(session, lr, signal)
    const best = progress.epoch > 0 && (progress.best === null || row.val_loss < progress.best.val_loss)
    session.history.push(row)
    if (best) progress.best = { epoch: row.epoch, val_loss: row.val_loss, val_cosine: row.val_cosine }
    if (progress.epoch > 0) progress.schedule = afterEpoch(plan.train, progress.schedule, row.val_loss)
    progress.seconds += (performance.now() - start) / 1000
    progress.epoch += 1
    progress.step = 0
    progress.epoch_seconds = 0
    native.trainerSums(session.trainer, { loss: 0, gradNorm: 0, windows: 0, steps: 0 })
    progress.finished = (progress.epoch - 1) * session.steps >= total || done >= total || isEarly(session)
    return { row, best, saved: await save(session, store, 'epoch', { best, complete: progress.finished }) }
  })
  yield { type: 'epoch', epochs: plan.train.epochs, best: swapped.best, ...swapped.row }
  yield swapped.saved
  return swapped.row
}

function isEarly({ plan: { train }, progress, history }: Session): boolean {
  const last = history.at(-1)?.epoch ?? 0
  return train.earlyStop !== undefined && progress.best !== null && last - progress.best.epoch >= train.earlyStop
}

/** Runs a training to its end, or to where it is stopped, saving as it goes. */
export async function* epochs(session: Session, store: Store, signal: AbortSignal): AsyncGenerator<Told, Stopped> {
  const { plan, progress, history } = session
  const { train } = plan
  const ended = (): Stopped | undefined => {
    if (history.length > 0 && isEarly(session)) return 'early-stop'
    const done = Math.max(0, progress.epoch - 1) * session.steps + progress.step
    if (history.length > 0 && train.maxSteps !== undefined && native.trainerState(session.trainer).steps >= train.maxSteps)
      return 'max-steps'
    return history.length > 0 && done >= train.epochs * session.steps && progress.step === 0 ? 'done' : undefined
  }
  try {
    for (let end = ended(); ; end = ended()) {
      if (end !== undefined) return end
      if (progress.epoch > 0) yield* steps(session, store, signal)
      if (signal.aborted) break
      yield* finishEpoch(session, store, signal)
    }
  } catch (error) {
    if (!signal.aborted || asLvmError(error).code !== 'INTERRUPTED') throw error
  }
  yield await judged(session, () => save(session, store, 'stop'))
  return 'interrupted'
}
