import { beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../../lib/native.js'
import { call, Tensor } from '../../../lib/torch/tensor.js'
import { addSpread, noSpread, type Spread, spread } from '../../../lib/train/spread.js'
import { gaussian } from '../../statistics/clustered.js'

beforeAll(() => native.setThreads(1))

type Vectors = readonly (readonly number[])[]
const unit = (v: readonly number[]) => v.map((x) => x / (Math.hypot(...v) || 1))

/** Computes the spread in blocks of 100, as predictions arrive. */
async function measured(vectors: Vectors): Promise<Spread> {
  using sums = await noSpread(vectors[0]?.length ?? 4)
  for (let at = 0; at < vectors.length; at += 100) {
    const part = vectors.slice(at, at + 100)
    using rows = Tensor.from(Float32Array.from(part.flat()), [part.length, part[0]!.length])
    await addSpread(sums, rows)
  }
  return await spread(sums)
}

/** Computes the spread in float64, pair by pair and from the textbook covariance. */
async function reference(vectors: Vectors): Promise<Spread> {
  const [n, dim] = [vectors.length, vectors[0]!.length]
  const mean = Array.from({ length: dim }, (_, d) => vectors.reduce((sum, v) => sum + v[d]!, 0) / n)
  const centred = vectors.map((v) => v.map((x, d) => x - mean[d]!))
  const covariance = Float64Array.from({ length: dim * dim }, (_, i) =>
    centred.reduce((sum, v) => sum + (v[Math.floor(i / dim)]! * v[i % dim]!) / n, 0),
  )
  using matrix = Tensor.from(covariance, [dim, dim])
  using eigenvalues = (await call('aten::linalg_eigvalsh', [matrix])) as Tensor
  const values = [...((await eigenvalues.data()) as Float64Array)].filter((v) => v > 1e-14)
  const total = values.reduce((a, b) => a + b, 0)
  let pairs = 0
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) pairs += vectors[i]!.reduce((sum, x, d) => sum + x * vectors[j]![d]!, 0)
  return {
    pairwise_cosine: pairs / ((n * (n - 1)) / 2),
    variance: total / dim,
    dispersion: total,
    effective_rank: Math.exp(values.reduce((h, v) => h - (v / total) * Math.log(v / total), 0)),
  }
}

describe('the spread of vectors', () => {
  const gauss = gaussian(4)
  const draw = (dim: number) => Array.from({ length: dim }, gauss)
  const axis = draw(96)
  it.each([
    ['all directions', () => unit(draw(96))],
    ['a plane', () => unit(axis.map((x, d) => x + (d < 2 ? 5 * gauss() : 0)))],
    ['hardly any variance', () => unit(axis.map((x, d) => x + (d < 3 ? 1e-3 * gauss() : 0)))],
  ])('the spread equals a float64 reference: %s', async (_, make) => {
    const vectors = Array.from({ length: 230 }, make).map((v) => v.map(Math.fround))
    const [found, expected] = [await measured(vectors), await reference(vectors)]
    expect(found.pairwise_cosine).toBeCloseTo(expected.pairwise_cosine, 6)
    expect(found.dispersion / expected.dispersion).toBeCloseTo(1, 4)
    expect(found.variance / expected.variance).toBeCloseTo(1, 4)
    expect(found.effective_rank).toBeCloseTo(expected.effective_rank, 1)
  })
  it.each([3, 96, 384])('one repeated vector has no spread and an effective rank of 1 (dimension %d)', async (dim) => {
    for (const count of [1, 2, 500]) {
      const v = unit(draw(dim)).map(Math.fround)
      const found = await measured(Array.from({ length: count }, () => v))
      expect(found).toMatchObject({ variance: 0, dispersion: 0, effective_rank: 1 })
      expect(found.pairwise_cosine).toBeCloseTo(1, 6)
    }
  })
  it('vectors that differ only by float32 round-off count as equal', async () => {
    const v = unit(draw(128))
    const found = await measured(Array.from({ length: 300 }, () => v.map((x) => Math.fround(x * (1 + 6e-8 * gauss())))))
    expect(found).toMatchObject({ dispersion: 0, effective_rank: 1 })
  })
  it('two directions have an effective rank of 1, and no vectors or zero vectors have no spread', async () => {
    const two = Array.from({ length: 200 }, (_, i) => [i % 2, 1 - (i % 2), 0])
    expect((await measured(two)).effective_rank).toBeCloseTo(1, 6)
    expect(await measured([])).toEqual({ pairwise_cosine: 0, variance: 0, dispersion: 0, effective_rank: 0 })
    expect(await measured(Array.from({ length: 50 }, () => [0, 0, 0]))).toMatchObject({ pairwise_cosine: 0, dispersion: 0 })
  })
})
