import { beforeAll, describe, expect, it } from 'vitest'
import { native, type Scores } from '../../lib/native.js'
import { meanByArticle, pairedDifference } from '../../lib/statistics/estimates.js'
import { signFlipP } from '../../lib/statistics/paired-tests.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { gaussian } from '../statistics/clustered.js'
import { direction, referenceScores } from './reference.js'

const DIM = 24
const gauss = gaussian(8)
beforeAll(() => native.setThreads(1))

/** Scores from C++, for float32 predictions and targets. */
async function scored(
  predictions: readonly Float32Array[],
  targets: readonly Float32Array[],
  centre?: Float64Array,
): Promise<Scores> {
  const flat = (rows: readonly Float32Array[]) => Float32Array.from(rows.flatMap((row) => [...row]))
  using table = Tensor.from(flat(targets), [targets.length, DIM])
  using raw = Tensor.from(flat(predictions), [predictions.length, DIM])
  using middle = centre && Tensor.from(centre, [DIM])
  const rows = Int32Array.from(targets.keys())
  const samples = native.samples(table.native, null, new Int32Array(targets.length), rows, 1)
  try {
    return await native.score(raw.native, samples, rows, middle?.native ?? null)
  } finally {
    native.dispose(samples)
  }
}
const single = () => Float32Array.from(direction(DIM, gauss))
const unit = (v: Float32Array) => Float64Array.from(v, (x) => x / Math.hypot(...v))

describe('scores of degenerate input', () => {
  it.each([1, 1e-20, 1e-30, 1e20])('scores of one row equal float64 for predictions of length %d', async (length) => {
    const [y, p] = [single(), single().map((x) => x * length)]
    const [found, expected] = [await scored([p], [y]), referenceScores([p], [unit(y)])]
    expect(found.cosine[0]).toBeCloseTo(expected.cosine[0]!, 12)
    expect(found.mseUnit[0]).toBeCloseTo(expected.mseUnit[0]!, 7)
    expect(found.mseUnit[0]).toBeCloseTo((2 * (1 - found.cosine[0]!)) / DIM, 7)
    expect(found.norm[0]! / expected.norm[0]!).toBeCloseTo(1, 12)
  })
  it('a prediction of zeros has a cosine of 0', async () => {
    const found = await scored([new Float32Array(DIM)], [single()], new Float64Array(DIM).fill(0.1))
    expect(found.cosine[0]).toBe(0)
    for (const values of Object.values(found)) expect(values.every(Number.isFinite)).toBe(true)
  })
  it('the centred cosine is 0 when all targets are one vector', async () => {
    const y = single()
    const rounded = Float64Array.from(y, (x) => x * (1 + 1e-9))
    for (const centre of [Float64Array.from(y), rounded])
      expect([...(await scored([single(), y, single()], [y, y, y], centre)).cosineCentred]).toEqual([0, 0, 0])
    const [p, far] = [single(), Float64Array.from(y, (x) => 0.9 * x)]
    const expected = referenceScores([p], [y], far).cosineCentred[0]!
    expect((await scored([p], [y], far)).cosineCentred[0]).toBeCloseTo(expected, 6)
  })
})

describe('means of constant values', () => {
  const articles = Int32Array.from({ length: 700 }, (_, i) => Math.floor(Math.sqrt(i)))
  it('the interval of a constant is that constant', async () => {
    for (const value of [0, 0.1, 1 / 3, -0.7]) {
      const { mean, ci95 } = await meanByArticle(new Float64Array(700).fill(value), articles)
      expect(mean).toBeCloseTo(value, 12)
      for (const end of ci95 ?? [Number.NaN]) expect(end).toBeCloseTo(value, 9)
    }
  })
  it('two equal constants show no significant difference', async () => {
    const values = Float64Array.from(articles, () => gauss())
    expect(await pairedDifference(values, values, articles)).toMatchObject({ mean: 0, se: 0, ci95: [0, 0] })
    expect(await signFlipP(new Float64Array(700), articles, { flips: 200 })).toBe(1)
  })
})
