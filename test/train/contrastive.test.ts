import { describe, expect, it } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { type NativeSamples, native, type TrainerOptions } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { BASE, ids } from '../architectures/task.js'
import { build, contexts, DIM } from '../architectures/tiny.js'
import { gaussian } from '../statistics/clustered.js'

const MASK = (1n << 64n) - 1n
/** SplitMix64, as in native/random.h. */
function mixed(seed: bigint, counter: bigint): bigint {
  let z = (seed + (counter + 1n) * 0x9e3779b97f4a7c15n) & MASK
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK
  return z ^ (z >> 31n)
}
/** Places among `all` rows that a step draws. */
function drawn(all: number, count: number, step: number): Set<number> {
  const key = mixed(mixed(BigInt(BASE.seed), 0x6e6365n), BigInt(step))
  const places = new Set<number>()
  for (let i = 0; places.size < Math.min(count, all); i++)
    places.add(count >= all ? i : Number(mixed(key, BigInt(i)) % BigInt(all)))
  return places
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
const unit = (a: readonly number[]) => a.map((x) => x / Math.sqrt(dot(a, a)))
const rowsOf = (flat: ArrayLike<number>, dim = DIM) =>
  Array.from({ length: flat.length / dim }, (_, i) => Array.from({ length: dim }, (_, d) => flat[i * dim + d]!))

/** An output: the rows that it has read, the row of its target, and the windows it is drawn with. */
interface Output {
  first: number
  length: number
  target: number
  group: number
}

/** The loss by its definition, one query after the other. `seen` names rows as `target` does. */
function expectedLoss(
  outputs: readonly Output[],
  raw: readonly (readonly number[])[],
  o: {
    row: (n: number) => readonly number[]
    seen: (row: number) => number
    all: readonly number[]
    count: number
    step: number
  },
): number {
  const log = Math.log(0.03)
  const chosen = new Set([...drawn(o.all.length, o.count, o.step)].map((place) => o.all[place]!))
  const targets = new Set(outputs.map(({ target }) => target))
  const losses = outputs.map(({ first, length, target, group }, i) => {
    const query = unit(raw[i]!)
    const own = dot(query, unit(o.row(target))) / Math.exp(log)
    const together = new Set(outputs.filter((other) => other.group === group).map((other) => other.target))
    const read = new Set(Array.from({ length }, (_, t) => o.seen(first + t)))
    const others = o.all.length - together.size
    const batch = others > 0 ? Math.min(1, (targets.size - together.size) / others) : 1
    const share = 1 - (1 - Math.min(o.count, o.all.length) / o.all.length) * (1 - batch)
    let sum = Math.exp(own)
    for (const row of new Set([...targets, ...chosen])) {
      if (row === target || read.has(row) || dot(unit(o.row(row)), unit(o.row(target))) >= 0.99) continue
      const logit = dot(query, unit(o.row(row))) / Math.exp(log)
      sum += Math.exp(logit) / (together.has(row) ? 1 : share)
    }
    return Math.log(sum) - own
  })
  return losses.reduce((a, b) => a + b, 0) / losses.length
}

const gru = findArchitecture('gru')
const double = (values: ArrayLike<number>) => Tensor.from(Float64Array.from(values), [values.length / DIM, DIM])
const outputsOf = async (model: Awaited<ReturnType<typeof build>>, vectors: Tensor, outputs: readonly Output[]) => {
  const of = (key: 'first' | 'length') => Int32Array.from(outputs, (output) => output[key])
  const samples = native.samples(vectors.native, null, of('first'), new Int32Array(outputs.length), 9, of('length'))
  return rowsOf((await Tensor.wrap(await native.predict(model, samples, ids(outputs.length), 3)).data()) as Float64Array)
}

/** Loss of one step of the trainer at a learning rate of 0, with all windows in one batch, in float64. */
async function trainedLoss(samples: NativeSamples, count: number, o: Partial<TrainerOptions>): Promise<number> {
  const model = await build(gru, gru.presets.tiny, { dtype: 'float64' })
  const trainer = await native.trainer(model, samples, ids(count), { ...BASE, batch: 64, vectors: 400, ...o })
  await native.trainerRun(trainer, 1, 0, new Float64Array(1))
  return native.trainerSums(trainer).loss / native.trainerSums(trainer).windows
}

describe('the contrastive loss of a training step', () => {
  const table = contexts(40, 1, 13)
  table.copyWithin(30 * DIM, 9 * DIM, 10 * DIM) // a copy of row 9 in the second article
  const vectors = double(table)
  const rows = rowsOf(table)
  // two articles of 20 rows, and all that is before a row, at least two vectors and at most nine
  const windows = rows.flatMap((_, row) => (row % 20 < 2 ? [] : [{ target: row, length: Math.min(9, row % 20) }]))
  const first = (cut: number) => Int32Array.from(windows, ({ target, length }) => target - Math.min(cut, length))
  const target = Int32Array.from(windows, (window) => window.target)
  const all = [...target]
  const of = { row: (n: number) => rows[n]!, seen: (row: number) => row, all, step: 0 }

  it.each([400, 12])(
    'it has all targets of the batch and %i drawn rows as negatives, without what a window has read',
    async (n) => {
      const lengths = Int32Array.from(windows, ({ length }) => length)
      const samples = native.samples(vectors.native, null, first(9), target, 9, lengths)
      const outputs = windows.map((w, group) => ({ ...w, first: w.target - w.length, group }))
      const model = await build(gru, gru.presets.tiny, { dtype: 'float64' })
      const found = await trainedLoss(samples, windows.length, {
        contrastive: { weight: 1, errorScale: 1, negatives: n },
        batch: 64,
      })
      expect(found).toBeCloseTo(expectedLoss(outputs, await outputsOf(model, vectors, outputs), { ...of, count: n }), 10)
    },
  )

  it('windows that begin together are drawn together, with the sequence objective over a history', async () => {
    const begins = windows.map((w) => (w.target % 20 < 10 ? w.target - (w.target % 20) : w.target - 9))
    const lengths = windows.map((w, i) => w.target - begins[i]!)
    const samples = native.samples(vectors.native, null, Int32Array.from(begins), target, 9, Int32Array.from(lengths))
    const outputs = windows.map((w, i) => ({ target: w.target, first: begins[i]!, length: lengths[i]!, group: begins[i]! }))
    const model = await build(gru, gru.presets.tiny, { dtype: 'float64' })
    const found = await trainedLoss(samples, windows.length, {
      sequence: true,
      groups: 64,
      contrastive: { weight: 1, errorScale: 1, negatives: 7 },
    })
    expect(found).toBeCloseTo(expectedLoss(outputs, await outputsOf(model, vectors, outputs), { ...of, count: 7 }), 10)
  })

  it('every position of contexts of one length has a target, with the sequence objective', async () => {
    const whole = windows.filter((w) => w.length >= 4)
    const samples = native.samples(
      vectors.native,
      null,
      Int32Array.from(whole, (w) => w.target - 4),
      Int32Array.from(whole, (w) => w.target),
      4,
    )
    const outputs = whole.flatMap((w, group) =>
      [1, 2, 3, 4].map((length) => ({ first: w.target - 4, length, target: w.target - 4 + length, group })),
    )
    const model = await build(gru, gru.presets.tiny, { dtype: 'float64' })
    const found = await trainedLoss(samples, whole.length, {
      sequence: true,
      contrastive: { weight: 1, errorScale: 1, negatives: 400 },
    })
    const known = { ...of, all: whole.map((w) => w.target), count: 400 }
    const shares = expectedLoss(outputs, await outputsOf(model, vectors, outputs), known)
    expect(found).toBeCloseTo(shares, 10) // all rows are drawn, so all shares are 1
  })

  it('a stored sequence recognises its context among the targets of others', async () => {
    const contextRows = Int32Array.from(windows.flatMap((w) => [w.target - 2, w.target - 1]))
    const stored = double([...contextRows].flatMap((row) => rows[row]!))
    const targets = double([...target].flatMap((row) => rows[row]!))
    const begins = Int32Array.from(windows, (_, i) => 2 * i)
    const samples = native.samples(stored.native, targets.native, begins, ids(windows.length), 2)
    const outputs = windows.map((w, group) => ({ first: w.target - 2, length: 2, target: w.target, group }))
    const model = await build(gru, gru.presets.tiny, { dtype: 'float64' })
    const found = await trainedLoss(samples, windows.length, { contrastive: { weight: 1, errorScale: 1, negatives: 400 } })
    const expected = expectedLoss(outputs, await outputsOf(model, vectors, outputs), { ...of, count: 400 })
    expect(found).toBeCloseTo(expected, 6) // the copy of row 9 has the number of the first of both
  })

  it('the weight divides the loss between both parts, and other negatives are drawn in the next step', async () => {
    const samples = native.samples(vectors.native, null, first(2), target, 2)
    const part = (weight: number, negatives = 9) =>
      trainedLoss(samples, windows.length, weight === 0 ? {} : { contrastive: { weight, errorScale: 3, negatives } })
    const [error, contrastive, both] = [await part(0), await part(1), await part(0.25)]
    expect(both).toBeCloseTo(0.25 * contrastive + 0.75 * 3 * error, 10)
    expect(drawn(36, 9, 0)).not.toEqual(drawn(36, 9, 1))
  })
})

describe('native.contrast', () => {
  const gauss = gaussian(4)
  const numbers = (rows: number) => Float64Array.from({ length: rows * DIM }, gauss)
  const [queries, targets, pool] = [numbers(3), numbers(3), numbers(20)]
  const o = { first: Int32Array.of(0, 1, 3, 3), excluded: Int32Array.of(4, 0, 19), log: Math.log(0.1), logQ: Math.log(0.5) }
  const contrast = (q: ArrayLike<number>, more: Partial<typeof o> = {}, p: ArrayLike<number> = pool) =>
    native.contrast(double(q).native, double(targets).native, double(p).native, { ...o, ...more })
  const mean = async (q: ArrayLike<number>, more: Partial<typeof o> = {}) =>
    (await contrast(q, more)).loss.reduce((a, b) => a + b, 0) / 3

  it('its gradients equal central differences in float64', async () => {
    const found = await contrast(queries)
    const gradient = rowsOf((await Tensor.wrap(found.gradient).data()) as Float64Array)
    const step = 1e-5
    for (const [i, row] of rowsOf(queries).entries()) {
      const length = Math.sqrt(dot(row, row))
      const along = dot(unit(row), gradient[i]!)
      for (const d of row.keys()) {
        const moved = (by: number) => queries.map((x, at) => (at === i * DIM + d ? x + by : x))
        const slope = ((await mean(moved(step))) - (await mean(moved(-step)))) / (2 * step)
        expect(slope).toBeCloseTo((gradient[i]![d]! - along * unit(row)[d]!) / length, 8)
      }
    }
    const slope = ((await mean(queries, { log: o.log + step })) - (await mean(queries, { log: o.log - step }))) / (2 * step)
    expect(slope).toBeCloseTo(found.log, 8)
  })

  it('the order of the negatives changes no loss', async () => {
    const reversed = rowsOf(pool).reverse().flat()
    const turned = await contrast(queries, { excluded: o.excluded.map((column) => 19 - column) }, reversed)
    const { loss } = await contrast(queries)
    for (const [i, value] of turned.loss.entries()) expect(value).toBeCloseTo(loss[i]!, 12)
  })

  it('copies of a target are not pushed away from its prediction', async () => {
    const copies = Float64Array.from([...pool, ...targets.map((x, i) => x * (1 + 0.001 * Math.sin(i)))])
    const [without, withCopies] = [await contrast(queries), await contrast(queries, {}, copies)]
    const others = { first: Int32Array.of(0, 3, 7, 9), excluded: Int32Array.of(4, 21, 22, 0, 19, 20, 22, 20, 21) }
    const { loss } = await contrast(queries, others, copies)
    for (const [i, value] of loss.entries()) expect(value).toBeCloseTo(without.loss[i]!, 12)
    expect(withCopies.loss[0]).toBeGreaterThan(without.loss[0]!)
    const alone = await native.contrast(double(queries).native, double(targets).native, double(targets).native, {
      ...o,
      first: Int32Array.of(0, 2, 4, 6),
      excluded: Int32Array.of(1, 2, 0, 2, 0, 1),
    })
    expect([...alone.loss]).toEqual([0, 0, 0])
    expect(((await Tensor.wrap(alone.gradient).data()) as Float64Array).every((x) => Math.abs(x) < 1e-12)).toBe(true)
  })

  it('it refuses lists and shapes that do not fit', async () => {
    await expect(contrast(queries, { excluded: Int32Array.of(4, 0, 20) })).rejects.toThrow('excluded columns below 20')
    await expect(contrast(queries, { first: Int32Array.of(0, 1) })).rejects.toThrow('a list of excluded columns for each query')
  })
})
