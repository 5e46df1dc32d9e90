import type { Store } from '../checkpoint/run-store.js'
import { asLvmError, LvmError } from '../errors.js'
import { watchCpuShare } from '../libtorch/cpu-share.js'
import { native } from '../native.js'
import { evaluateEpoch } from './evaluate-epoch.js'
import { helped, rowOfFirst } from './ranks/shared-training.js'
import { saveSession } from './save.js'
import { afterEpoch, rates, totalSteps } from './schedule.js'
import { isBetter } from './selection.js'
import { holding, isSharded, type Session, standing } from './session.js'
import type { Told } from './train-events.js'

const NO_SUMS = { loss: 0, gradNorm: 0, windows: 0, steps: 0 } as const
/** Time between two saves within an epoch. */
export const SAVE_SECONDS = 300
/** Target duration of one call into C++: short enough for a progress bar, long enough for negligible overhead. */
const CALL_SECONDS = 0.5

export type Ended = 'done' | 'early-stop' | 'max-steps'
export type Stopped = Ended | 'interrupted'

/** Why the training has ended; undefined while it continues, and within an epoch until its evaluation. */
export function ended({ plan: { train }, progress, history }: Session): Ended | undefined {
  const { epoch, step, best, optimizer_steps } = progress
  if (epoch === 0 || step > 0) return undefined
  const last = history.at(-1)?.epoch ?? 0
  if (train.earlyStop !== undefined && best !== null && last - best.epoch >= train.earlyStop) return 'early-stop'
  if (optimizer_steps >= (train.maxSteps ?? Infinity)) return 'max-steps'
  return epoch > train.epochs ? 'done' : undefined
}

/** Hashes memory-mapped data again before the last save: a write through a mapping may not change the file's time. Errors: DATA_CHANGED. */
async function requireUnchanged({ data }: Session): Promise<void> {
  for (const { base } of new Set([data.train, data.val])) {
    if (base.mapped && (await base.changed?.()))
      throw new LvmError('DATA_CHANGED', `${base.path}: expected the file to stay unchanged during training but it was modified`)
  }
}

async function save(session: Session, store: Store, reason: 'epoch' | 'timer' | 'steps' | 'stop', best = false): Promise<Told> {
  const { progress, trainer } = session
  progress.sums = native.trainerSums(trainer)
  if (session.contrastive) progress.temperature = native.trainerTemperature(trainer)
  progress.finished = ended(session) !== undefined
  if (progress.finished) await requireUnchanged(session)
  const { group } = session
  group?.note('saving')
  const write = () => holding(session, standing(session), () => saveSession(session, store, { best, ended: reason === 'epoch' }))
  const generation = group ? await group.ofFirst('saved', write, (what) => helped(session, what)) : await write()
  return { type: 'saved', epoch: progress.epoch, step: progress.step, generation, reason }
}

/** Runs steps up to the next one that is logged, and tells its figures; the means are those of the steps since the last one. */
async function* logSteps(session: Session, count: number, signal: AbortSignal): AsyncGenerator<Told, number> {
  const { trainer, progress, plan } = session
  const { logEvery } = plan.train
  let lr = progress.schedule.lr
  let paused = false
  for (let left = count; left > 0 && !signal.aborted && !paused; ) {
    const lrs = rates(
      plan.train,
      progress,
      progress.optimizer_steps,
      Math.min(left, logEvery - (progress.optimizer_steps % logEvery)),
    )
    const start = performance.now()
    const made = await native.trainerRun(trainer, progress.epoch, progress.step, lrs)
    const reached = native.trainerProgress(trainer)
    if (session.group && reached.stopped) session.group.stop()
    paused = reached.paused
    const seconds = (performance.now() - start) / 1000
    lr = lrs[made - 1] ?? lr
    left -= made
    progress.step += made
    progress.optimizer_steps += made
    progress.epoch_seconds += seconds
    progress.seconds += seconds
    if (made > 0 && progress.optimizer_steps % logEvery === 0) yield stepEvent(session, lr)
  }
  return lr
}

/** Figures of the steps since the last event of this epoch. */
function stepEvent({ trainer, progress }: Session, lr: number): Told {
  const sums = native.trainerSums(trainer)
  const before = progress.logged ?? NO_SUMS
  const windows = sums.windows - before.windows
  progress.logged = sums
  return {
    type: 'step',
    epoch: progress.epoch,
    step: progress.optimizer_steps,
    loss: (sums.loss - before.loss) / windows,
    lr,
    grad_norm: (sums.gradNorm - before.gradNorm) / (sums.steps - before.steps),
    samples_per_second: sums.windows / progress.epoch_seconds,
    seconds: progress.seconds,
  }
}

/** Whether the time for a save has come. Ranks that take part in it end their runs after the same step, once one of them has the time. */
function timed(session: Session, late: boolean): boolean {
  if (!isSharded(session)) return late
  const { paused } = native.trainerProgress(session.trainer)
  if (late && !paused) native.trainerPause(session.trainer)
  return paused
}

/** Trains to the end of the epoch or until stopped; saves every `saveEvery` steps and every 5 minutes. */
async function* steps(session: Session, store: Store, signal: AbortSignal): AsyncGenerator<Told> {
  const { trainer, progress, plan } = session
  const { train } = plan
  const total = totalSteps(train, session.steps)
  const end = Math.min(session.steps, progress.step + total - progress.optimizer_steps)
  let chunk = 1
  let lastSave = performance.now()
  let sinceSave = 0
  while (progress.step < end && !signal.aborted) {
    const count = Math.min(chunk, end - progress.step, (train.saveEvery ?? Infinity) - sinceSave)
    const [step, before] = [progress.step, progress.seconds]
    const lr = yield* logSteps(session, count, signal)
    const [made, seconds] = [progress.step - step, progress.seconds - before]
    sinceSave += made
    chunk = Math.max(1, Math.min(10_000, Math.round((CALL_SECONDS * Math.max(1, made)) / Math.max(seconds, 1e-6))))
    const { loss, windows } = native.trainerProgress(trainer)
    const perStep = progress.epoch_seconds / Math.max(1, progress.step)
    yield {
      type: 'progress',
      epoch: progress.epoch,
      epochs: train.epochs,
      step: progress.step,
      steps: end,
      loss,
      lr,
      samples_per_second: windows / progress.epoch_seconds,
      seconds_left: perStep * (total - progress.optimizer_steps),
    }
    const due =
      sinceSave >= (train.saveEvery ?? Infinity)
        ? 'steps'
        : timed(session, performance.now() - lastSave > SAVE_SECONDS * 1000)
          ? 'timer'
          : undefined
    if (due === undefined || progress.step >= end || signal.aborted) continue
    yield await save(session, store, due)
    lastSave = performance.now()
    sinceSave = 0
  }
}

/** Evaluates the epoch, advances the schedule and saves. */
async function* finishEpoch(
  session: Session,
  store: Store,
  signal: AbortSignal,
  share: () => number | null,
): AsyncGenerator<Told> {
  const { plan, progress } = session
  const lr = rates(plan.train, progress, Math.max(0, progress.optimizer_steps - 1), 1)[0]!
  const start = performance.now()
  const evaluate = () => evaluateEpoch(session, lr, signal, share)
  session.group?.note(`evaluating epoch ${progress.epoch}`)
  const row = session.group ? await rowOfFirst(session, session.group, evaluate) : await evaluate()
  if (progress.epoch > 0 && progress.step < session.steps) {
    const { epoch, step, schedule, best, epoch_seconds, logged } = progress
    const sums = native.trainerSums(session.trainer)
    progress.cut = { epoch, step, schedule, best, epoch_seconds, sums, ...(logged && { logged }) }
  }
  const best = progress.epoch > 0 && (progress.best === null || isBetter(plan.train, row, progress.best))
  session.history.push(row)
  const { epoch, val_loss, val_cosine, val_top10, val_mrr } = row
  if (best) progress.best = { epoch, val_loss, val_cosine, ...(val_top10 !== undefined && { val_top10, val_mrr: val_mrr! }) }
  if (progress.epoch > 0) progress.schedule = afterEpoch(plan.train, progress.schedule, row.val_loss)
  progress.seconds += (performance.now() - start) / 1000
  progress.epoch += 1
  progress.step = 0
  progress.epoch_seconds = 0
  progress.logged = NO_SUMS
  native.trainerSums(session.trainer, NO_SUMS)
  const saved = await save(session, store, 'epoch', best)
  yield { type: 'epoch', epochs: plan.train.epochs, best, step: progress.optimizer_steps, ...row }
  yield saved
}

/**
 * Runs a training to its end or until it is stopped, with regular saves.
 *
 * With several processes `own` asks this one to stop, and all stop after the same step.
 */
export async function* epochs(session: Session, store: Store, own: AbortSignal): AsyncGenerator<Told, Stopped> {
  const { group } = session
  const signal = group?.stopped ?? own
  const evaluation = group ? AbortSignal.any([own, group.lost]) : own
  try {
    for (;;) {
      const end = ended(session)
      if (end !== undefined) return end
      const share = watchCpuShare()
      if (session.progress.epoch > 0) yield* steps(session, store, signal)
      if (signal.aborted) break
      yield* finishEpoch(session, store, evaluation, share)
    }
  } catch (error) {
    if (!signal.aborted || asLvmError(error).code !== 'INTERRUPTED') throw error
  }
  yield await save(session, store, 'stop')
  return 'interrupted'
}
