import { expect, it } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { openBase } from '../../lib/data/open.js'
import { makeWindows } from '../../lib/data/windows.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { fitInput } from '../../lib/train/normaliser.js'
import type { Prepared } from '../../lib/train/prepare.js'
import { gaussian } from '../architectures/tiny.js'

const DIM = 4
/** Fits the inputs of a model to articles of 50 rows; returns those that contexts hold, scaled to length 1, and what it makes of them. */
async function whitened(rows: Matrix): Promise<{ before: Matrix; after: Matrix }> {
  const base = await openBase({ vectors: rows, articles: rows.map((_, i) => `a${Math.floor(i / 50)}`) })
  const windows = makeWindows(base, 5)
  const { node } = findArchitecture('gru').spec({ dim: DIM, context: 5 }, { inputScale: 'whiten' })
  const model = await native.model(node, 'float32', 'cpu', 1)
  const train = Int32Array.from({ length: windows.count }, (_, i) => i)
  const targets = Tensor.from(gaussian(rows.length * DIM, 3), [rows.length, DIM]) // of another space
  await fitInput(model, node, { train: { base: { ...base, targets }, windows }, split: { train } } as unknown as Prepared)
  const fitted = new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  const [center, map] = [await fitted.get('input.center')!.data(), await fitted.get('input.whitening')!.data()]
  const vectors = (await (await base.vectors.to({ dtype: 'float32' })).data()) as Float32Array
  const before = rows.map((_, i) => Array.from(vectors.subarray(i * DIM, (i + 1) * DIM))).filter((_, i) => i % 50 < 49)
  base.dispose()
  const centred = before.map((row) => row.map((value, i) => value - Number(center[i])))
  return {
    before,
    after: times(
      centred,
      Array.from({ length: DIM }, (_, i) => Array.from(map.subarray(i * DIM, (i + 1) * DIM), Number)),
    ),
  }
}
type Matrix = number[][]
const trace = (of: Matrix) => of.reduce((sum, row, i) => sum + row[i]!, 0)
const times = (a: Matrix, b: Matrix) => a.map((row) => b.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)))
/** Mean and covariance of rows. */
function moments(rows: Matrix): [number[], Matrix] {
  const all = Array.from({ length: DIM }, (_, i) => i)
  const mean = all.map((i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length)
  const about = (i: number, j: number) =>
    rows.reduce((sum, row) => sum + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0) / rows.length
  return [mean, all.map((i) => all.map((j) => about(i, j)))]
}

it('whitened inputs have mean 0, mean square 1, and the covariance C (C + a)⁻¹, where a grows as the rows become fewer', async () => {
  const noise = gaussian(400 * DIM, 7)
  const rows = Array.from({ length: 400 }, (_, i) => {
    const [a, b, c, d] = noise.subarray(i * DIM, (i + 1) * DIM) as unknown as [number, number, number, number]
    return [0.5 + a, 0.2 + 0.9 * a + 0.3 * b, 0.4 * c - 0.5 * b, 0.5 * d + 0.2 * a].map((x) => x / 10)
  })
  const { before, after } = await whitened(rows)
  const [mean, covariance] = moments(before)
  const [centre, made] = moments(after)
  expect(Math.max(...centre.map(Math.abs))).toBeLessThan(1e-4)
  expect(trace(made) / DIM).toBeCloseTo(1, 4)
  expect(Math.abs(mean[0]!)).toBeGreaterThan(0.01)
  const a = ((0.2 + (5 * DIM) / before.length) * trace(covariance)) / DIM
  const undone = times(
    made,
    covariance.map((row, i) => row.map((value, j) => value + (i === j ? a : 0))),
  )
  const factor = trace(undone) / trace(covariance)
  for (const [i, row] of undone.entries())
    for (const [j, value] of row.entries()) expect(value).toBeCloseTo(factor * covariance[i]![j]!, 4)
})

it('whitened inputs of equal vectors are 0', async () => {
  const { after } = await whitened(Array.from({ length: 100 }, () => [0.5, 0.5, 0.5, 0.5]))
  expect(Math.max(...after.flat().map(Math.abs))).toBeLessThan(1e-5)
})
