import { beforeAll, expect, it } from 'vitest'
import type { Rows } from '../../lib/baselines/baselines-rows.js'
import { addLagProducts, consecutive } from '../../lib/baselines/lag-products.js'
import { addMoments, noMoments } from '../../lib/baselines/ridge-systems.js'
import { native } from '../../lib/native.js'
import type { Tensor } from '../../lib/torch/tensor.js'
import { rowsOf, synthetic } from './synthetic.js'

beforeAll(() => native.setThreads(1))

const DIM = 8
const numbers = async (x: Tensor) => [...((await x.data()) as Float64Array)]

/** Moments of the windows, xx as its lower triangle of blocks. */
async function momentsOf(rows: Rows, positions: number) {
  const offset = await (await rows.base.vectors.op('aten::mean.dim', [0])).to({ dtype: 'float64' })
  using moments = await noMoments({ positions }, offset)
  await addMoments(moments, rows)
  const width = positions * DIM
  const xx = (await numbers(moments.xx)).map((x, i) => (Math.floor(i / width / DIM) >= Math.floor((i % width) / DIM) ? x : 0))
  return { n: moments.n, x: await numbers(moments.x), y: await numbers(moments.y), xx, xy: await numbers(moments.xy) }
}

/** The same windows as sequences with their own copies of the rows, which are multiplied pair by pair. */
async function apart(rows: Rows): Promise<Rows> {
  const { context } = rows.windows
  const length = rows.windows.first.map(() => context)
  return { ...rows, windows: { ...rows.windows, length } }
}

it.each([
  ['all windows of an article', 3, [60], () => true],
  ['articles of unequal length', 3, [30, 5, 17, 40], () => true],
  ['windows with gaps', 3, [80], (i: number) => i % 11 !== 3],
  ['fewer positions than the context', 2, [40, 30], () => true],
] as const)('moments by lag equal those by pairs of positions: %s', async (_, positions, lengths, keep) => {
  const data = synthetic({ dim: DIM, context: 3, lengths: [...lengths], seed: 3 })
  const all = rowsOf(data, () => true)
  const rows = { ...all, ids: all.ids.filter((_, i) => keep(i)) }
  expect(consecutive(rows, positions)).toBeDefined()
  const pairs = await apart(rows)
  expect(consecutive(pairs, positions)).toBeUndefined()
  const [one, other] = [await momentsOf(rows, positions), await momentsOf(pairs, positions)]
  for (const key of ['x', 'y', 'xx', 'xy'] as const)
    for (const [i, value] of one[key].entries()) expect(value).toBeCloseTo(other[key][i]!, 4)
  expect(one.n).toBe(other.n)
})
it('scattered windows and targets elsewhere are multiplied by pairs of positions', () => {
  const data = synthetic({ dim: DIM, context: 3, lengths: [60], seed: 3 })
  const all = rowsOf(data, () => true)
  expect(consecutive({ ...all, ids: all.ids.filter((_, i) => i % 2 === 0) }, 3)).toBeUndefined()
  const target = all.windows.target.map((row) => Math.max(0, row - 5))
  expect(consecutive({ ...all, windows: { ...all.windows, target } }, 3)).toBeUndefined()
})
it.each(['together', 'block'] as const)('moments by lag do not depend on how many rows are read at once: %s', async (key) => {
  const rows = rowsOf(synthetic({ dim: DIM, context: 3, lengths: [30, 9, 17, 40, 8], seed: 5 }), (i) => i !== 33)
  const found = consecutive(rows, 3)!
  const of = async (most: number) => {
    const offset = await (await rows.base.vectors.op('aten::mean.dim', [0])).to({ dtype: 'float64' })
    using moments = await noMoments({ positions: 3 }, offset)
    await addLagProducts(moments, rows, found, { positions: 3, offset, [key]: most })
    const { x, y, xx, xy } = moments
    return [...(await numbers(x)), ...(await numbers(y)), ...(await numbers(xx)), ...(await numbers(xy))]
  }
  const whole = await of(1 << 20)
  for (const most of [DIM, 7 * DIM, 25 * DIM])
    for (const [i, value] of (await of(most)).entries()) expect(value).toBeCloseTo(whole[i]!, 4)
})
