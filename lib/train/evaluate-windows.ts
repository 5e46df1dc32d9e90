import { atOnce } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { native, type Scores } from '../native.js'
import type { EvaluatedPart } from '../ranks/group.js'
import { describe } from '../statistics/estimates.js'
import { call, Tensor } from '../torch/tensor.js'
import { lossesOf } from './contrastive-loss.js'
import type { Session } from './session.js'
import { look } from './watched.js'

/** Batches evaluated in one call; a training can be stopped between calls. */
const CALL = 2
/** Windows of unequal contexts evaluated in one call: those that begin together are one pass, which a small call would divide. */
const WHOLE = 2048

/** Windows of one call. */
export const windowsOfCall = (context: number, isEven: boolean): number =>
  isEven ? CALL * atOnce(context) : Math.max(WHOLE, CALL * atOnce(context))

const KEYS = ['cosine', 'mseRaw', 'mseUnit', 'norm'] as const
type Summary = ReturnType<typeof describe>

/** What a part of the windows is evaluated with: their ids, those that are looked at more closely, and how many one call takes. */
function partOf({ data, trainSample, watched, heldOut }: Session, part: EvaluatedPart) {
  const { samples, windows } = part === 'val' ? data.val : data.train
  const { ids, near } = {
    train: { ids: trainSample, near: undefined },
    val: { ids: data.split.val, near: watched },
    test: { ids: data.split.test!, near: heldOut },
  }[part]
  const { context, length } = windows
  return { samples, ids, near, batch: atOnce(context), step: windowsOfCall(context, length === undefined) }
}

/** What this rank has evaluated: zeros stand in the places of other ranks' windows. */
interface Evaluated {
  /** Shapes: [scores, windows], the rows in the order of `KEYS`. */
  readonly scores: Float64Array
  /** Outputs of the watched windows. */
  readonly watched: Tensor[]
  /** Sum of the contrastive losses. */
  readonly losses: number
  readonly stopped: boolean
}

/** Evaluates the windows of this rank, in the calls of a single process, until it is to stop. */
async function evaluateOwn(session: Session, part: EvaluatedPart, stops: () => boolean | Promise<boolean>): Promise<Evaluated> {
  const { model, data, trainer, group } = session
  const contrastive = part === 'test' ? undefined : session.contrastive
  const side = part === 'val' ? data.val : data.train
  const { samples, ids, near, batch, step } = partOf(session, part)
  const [from, to] = group?.share(Math.ceil(ids.length / step)) ?? [0, Infinity]
  const scores = new Float64Array(KEYS.length * ids.length)
  const watched: Tensor[] = []
  let losses = 0
  try {
    for (let at = from * step; at < Math.min(to * step, ids.length); at += step) {
      if (await stops()) return { scores, watched, losses, stopped: true }
      const some = ids.subarray(at, at + step)
      const keep = (own: Scores) => {
        for (const [row, key] of KEYS.entries()) scores.set(own[key], row * ids.length + at)
      }
      if (contrastive === undefined && near === undefined) {
        keep(await native.evaluate(model, samples, some, { batch, centre: null }))
        continue
      }
      using raw = Tensor.wrap(await native.predict(model, samples, some, batch))
      keep(await native.score(raw.native, samples, some, null))
      if (near !== undefined) watched.push(await chosen(raw, near.places, at))
      if (contrastive === undefined) continue
      const { log } = native.trainerTemperature(trainer)
      const each = await lossesOf(raw, side, contrastive.pools[part as 'train' | 'val'], { ids: some, at, log })
      losses = each.reduce((a, b) => a + b, losses)
    }
    return { scores, watched, losses, stopped: false }
  } catch (error) {
    for (const tensor of watched) tensor.dispose()
    throw error
  }
}

/** Outputs of the windows at these places, from those of the windows from place `at` on. */
async function chosen(raw: Tensor, places: Int32Array, at: number): Promise<Tensor> {
  const inside = places.filter((place) => place >= at && place < at + raw.shape[0]!)
  using index = Tensor.from(BigInt64Array.from(inside, (place) => BigInt(place - at)))
  return raw.op('aten::index_select', 0, index)
}

/** Puts together in place what the ranks have evaluated. Errors: RANK_LOST. */
async function addUp(session: Session, part: EvaluatedPart, { scores, watched }: Evaluated): Promise<void> {
  const group = session.group!
  const { ids, near, step } = partOf(session, part)
  using sum = Tensor.from(scores)
  await group.sum(sum.native)
  scores.set((await sum.data()) as Float64Array)
  if (near === undefined) return
  const { dim } = session.data.val.base
  const [from] = group.share(Math.ceil(ids.length / step))
  const before = near.places.filter((place) => place < from * step).length
  const own = watched.reduce((rows, { shape }) => rows + shape[0]!, 0)
  const zeros = (rows: number) => Tensor.from(new Float32Array(rows * dim), [rows, dim])
  const all = [zeros(before), ...watched.splice(0), zeros(near.places.length - before - own)]
  try {
    const outputs = (await call('aten::cat', [all, 0])) as Tensor
    watched.push(outputs)
    await group.sum(outputs.native)
  } finally {
    for (const tensor of all) tensor.dispose()
  }
}

/** Evaluates this rank's windows because rank 0 evaluates its own. Errors: RANK_LOST. */
export async function helpEvaluate(session: Session, part: EvaluatedPart): Promise<void> {
  const own = await evaluateOwn(session, part, () => session.group!.halted())
  try {
    await addUp(session, part, own)
  } finally {
    for (const tensor of own.watched) tensor.dispose()
  }
}

/** Loss and cosine of the validation windows, or of the sample of training windows, in eval mode with float64 sums. Errors: INTERRUPTED. */
export async function evaluateWindows(session: Session, part: EvaluatedPart, signal: AbortSignal) {
  const { plan, group } = session
  const { ids, near } = partOf(session, part)
  await group?.ask(part)
  const own = await evaluateOwn(session, part, () => signal.aborted)
  const { scores, watched, losses } = own
  try {
    if (group && own.stopped) await group.halt()
    if (group) await addUp(session, part, own)
    if (own.stopped) throw new LvmError('INTERRUPTED', 'training was stopped while it evaluated')
    const [cosine, mseRaw, mseUnit, norm] = KEYS.map((_, row) =>
      describe(scores.subarray(row * ids.length, (row + 1) * ids.length)),
    ) as [Summary, Summary, Summary, Summary]
    const error = (plan.model.output === 'unit' ? mseUnit : mseRaw).mean
    const plain = plan.train.loss === 'cosine' ? 1 - cosine.mean : error
    const { weight, errorScale } = (part !== 'test' && session.contrastive) || { weight: 0, errorScale: 1 }
    const loss = weight === 0 ? plain : (weight * losses) / ids.length + (1 - weight) * errorScale * plain
    if (near === undefined || !Number.isFinite(loss)) return { loss, cosine: cosine.mean, norm, seen: undefined }
    using raw = (await call('aten::cat', [watched, 0])) as Tensor
    return { loss, cosine: cosine.mean, norm, seen: await look(raw, near) }
  } finally {
    for (const tensor of watched) tensor.dispose()
  }
}
