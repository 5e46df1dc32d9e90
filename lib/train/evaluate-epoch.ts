import type { HistoryRow, Weights } from '../checkpoint/run-manifest.js'
import { LvmError } from '../errors.js'
import { peakMemory } from '../evaluate/latency.js'
import { native } from '../native.js'
import { evaluateWindows } from './evaluate-windows.js'
import { isBetter } from './selection.js'
import { holding, type Session } from './session.js'

/** Weights that an epoch's evaluation compares; the first wins ties. */
function candidates({ emaRule, progress }: Session): readonly Weights[] {
  if (emaRule === null || (emaRule === 'warmup' && progress.optimizer_steps === 0)) return ['raw']
  return emaRule === 'warmup' ? ['average', 'raw'] : ['average']
}

/** Evaluates raw and averaged weights after an epoch; returns the history row of the better ones. Errors: DIVERGED. */
export async function evaluateEpoch(
  session: Session,
  lr: number,
  signal: AbortSignal,
  share: () => number | null,
): Promise<HistoryRow> {
  const { progress, emaRule, trainer, contrastive } = session
  const start = performance.now()
  const evaluated: ({ weights: Weights } & Awaited<ReturnType<typeof evaluateWindows>>)[] = []
  for (const weights of candidates(session)) {
    const scores = await holding(session, weights, () => evaluateWindows(session, 'val', signal))
    evaluated.push({ weights, ...scores })
  }
  const rowOf = ({ loss, cosine, seen }: (typeof evaluated)[number]) => ({ val_loss: loss, val_cosine: cosine, ...seen })
  const finite = ({ loss }: { loss: number }) => Number.isFinite(loss)
  const val =
    evaluated.find((each) => !finite(each)) ??
    evaluated.reduce((best, other) => (isBetter(session.plan.train, rowOf(other), rowOf(best)) ? other : best))
  const train = await holding(session, val.weights, () => evaluateWindows(session, 'train', signal))
  const held = session.data.split.fold && (await holding(session, val.weights, () => evaluateWindows(session, 'test', signal)))
  const { loss, gradNorm, windows, steps } = native.trainerSums(trainer)
  const trained = progress.epoch > 0
  const diverged = Object.entries({ training: train, validation: val }).filter(([, scores]) => !finite(scores))
  if (diverged.length > 0) {
    const what = diverged.map(([part, { loss }]) => `the loss on the ${part} windows is ${loss}`).join(' and ')
    throw new LvmError('DIVERGED', `training: ${what} after epoch ${progress.epoch} (step ${progress.optimizer_steps})`)
  }
  const { objective } = session.plan.train
  const { read, context } = session.data
  const rate = trained ? windows / progress.epoch_seconds : null
  return {
    epoch: progress.epoch,
    train_loss_running: trained ? loss / windows : null,
    train_loss: train.loss,
    train_cosine: train.cosine,
    ...rowOf(val),
    ...(held && { test_cosine: held.cosine, ...(held.seen && { test_top10: held.seen.val_top10! }) }),
    lr,
    grad_norm: trained ? gradNorm / steps : null,
    output_norm_mean: val.norm.mean,
    output_norm_sd: val.norm.sd,
    seconds: progress.epoch_seconds + (performance.now() - start) / 1000,
    cpu_share: share(),
    samples_per_second: rate,
    ...(objective === 'sequence' && { targets_per_second: rate && rate * (read.groups === undefined ? context : 1) }),
    peak_memory_bytes: peakMemory(),
    ...(contrastive && { temperature: Math.exp(native.trainerTemperature(trainer).log) }),
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
