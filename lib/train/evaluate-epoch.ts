import type { HistoryRow, Weights } from '../checkpoint/run-manifest.js'
import { atOnce } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { peakMemory } from '../evaluate/latency.js'
import { native, type Scores } from '../native.js'
import { describe } from '../statistics/estimates.js'
import { call, Tensor } from '../torch/tensor.js'
import { lossesOf } from './contrastive-loss.js'
import { isBetter } from './selection.js'
import { holding, type Session } from './session.js'
import { look } from './watched.js'

/** Batches evaluated in one call; a training can be stopped between calls. */
const CALL = 2
/** Windows of unequal contexts evaluated in one call: those that begin together are one pass, which a small call would divide. */
const WHOLE = 2048

/** Mean and spread of each score over all windows, from those of their parts. */
function describeAll(parts: readonly Scores[], count: number) {
  const column = (key: keyof Scores) => {
    const all = new Float64Array(count)
    let at = 0
    for (const part of parts) {
      all.set(part[key], at)
      at += part[key].length
    }
    return describe(all)
  }
  return { cosine: column('cosine').mean, mseRaw: column('mseRaw').mean, mseUnit: column('mseUnit').mean, norm: column('norm') }
}

/** Loss and cosine of the validation windows, or of the sample of training windows, in eval mode with float64 sums. */
async function evaluateWindows(session: Session, part: 'train' | 'val' | 'test', signal: AbortSignal) {
  const { model, plan, data, trainer } = session
  const contrastive = part === 'test' ? undefined : session.contrastive
  const side = part === 'val' ? data.val : data.train
  const { samples, windows } = side
  const { ids, near } = {
    train: { ids: session.trainSample, near: undefined },
    val: { ids: data.split.val, near: session.watched },
    test: { ids: data.split.test!, near: session.heldOut },
  }[part]
  const batch = atOnce(windows.context)
  const step = windows.length === undefined ? CALL * batch : Math.max(WHOLE, CALL * batch)
  const parts: Scores[] = []
  const watched: Tensor[] = []
  let sum = 0
  try {
    for (let at = 0; at < ids.length; at += step) {
      if (signal.aborted) throw new LvmError('INTERRUPTED', 'training was stopped while it evaluated')
      const some = ids.subarray(at, at + step)
      if (contrastive === undefined && near === undefined) {
        parts.push(await native.evaluate(model, samples, some, { batch, centre: null }))
        continue
      }
      using raw = Tensor.wrap(await native.predict(model, samples, some, batch))
      parts.push(await native.score(raw.native, samples, some, null))
      if (near !== undefined) watched.push(await chosen(raw, near.places, at))
      if (contrastive === undefined) continue
      const { log } = native.trainerTemperature(trainer)
      const losses = await lossesOf(raw, side, contrastive.pools[part as 'train' | 'val'], { ids: some, at, log })
      sum = losses.reduce((a, b) => a + b, sum)
    }
    const { cosine, mseRaw, mseUnit, norm } = describeAll(parts, ids.length)
    const error = plan.model.output === 'unit' ? mseUnit : mseRaw
    const own = plan.train.loss === 'cosine' ? 1 - cosine : error
    const { weight, errorScale } = contrastive ?? { weight: 0, errorScale: 1 }
    const loss = weight === 0 ? own : (weight * sum) / ids.length + (1 - weight) * errorScale * own
    if (near === undefined || !Number.isFinite(loss)) return { loss, cosine, norm, seen: undefined }
    using raw = (await call('aten::cat', [watched, 0])) as Tensor
    return { loss, cosine, norm, seen: await look(raw, near) }
  } finally {
    for (const tensor of watched) tensor.dispose()
  }
}

/** Outputs of the windows at these places, from those of the windows from place `at` on. */
async function chosen(raw: Tensor, places: Int32Array, at: number): Promise<Tensor> {
  const inside = places.filter((place) => place >= at && place < at + raw.shape[0]!)
  using index = Tensor.from(BigInt64Array.from(inside, (place) => BigInt(place - at)))
  return raw.op('aten::index_select', 0, index)
}

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
