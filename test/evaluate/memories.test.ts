import { beforeAll, describe, expect, it } from 'vitest'
import { exponentialMixtureOf, fitBaselines, mixtureIn, predictBaseline } from '../../lib/baselines/baselines-fit.js'
import { meanCosine, type Rows } from '../../lib/baselines/baselines-rows.js'
import {
  applyMixture,
  cosinesOf,
  exponentialMeans,
  exponentialProducts,
  fitMixture,
  type Mixture,
} from '../../lib/baselines/memories.js'
import { fitRidge } from '../../lib/baselines/ridge.js'
import { native } from '../../lib/native.js'
import { permutation } from '../../lib/statistics/random.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { rowsOf, split, synthetic } from './synthetic.js'

const DIM = 6
const data = synthetic({ dim: DIM, context: 3, lengths: Array.from({ length: 24 }, (_, i) => 9 + 2 * i), seed: 5 })
/** Windows whose contexts reach back to the start of their articles. */
function wholeArticles(): Rows {
  const rows = rowsOf(data, () => true)
  const { article, target } = rows.windows
  const start = article.map((own) => rows.windows.first[article.indexOf(own)]!)
  const length = target.map((row, i) => row - start[i]!)
  return { ...rows, windows: { ...rows.windows, first: start, length, context: Math.max(...length) } }
}
/** The definition, in float64. */
function mixed({ windows }: Rows, id: number, { decays, weights }: Mixture): number[] {
  const sum = new Array<number>(DIM).fill(0)
  decays.forEach((decay, k) => {
    const shares = Array.from({ length: windows.length![id]! }, (_, t) => decay ** (windows.length![id]! - 1 - t))
    const total = shares.reduce((a, b) => a + b, 0)
    shares.forEach((share, t) => {
      for (let d = 0; d < DIM; d++) sum[d]! += (weights[k]! * share * data.vectors[(windows.first[id]! + t) * DIM + d]!) / total
    })
  })
  return sum
}
beforeAll(() => native.setThreads(1))

describe('the mixture of exponential means', () => {
  it('the mixture weighs the exponential means of each whole context, of whatever length', async () => {
    const rows = wholeArticles()
    const mixture = { decays: [0, 0.7, 0.995], weights: [0.2, -0.4, 1.1] }
    const given = split((await (await predictBaseline(exponentialMixtureOf(mixture), rows)).data()) as Float32Array, DIM)
    rows.ids.forEach((id, i) => {
      for (const [d, value] of mixed(rows, id, mixture).entries()) expect(given[i]![d]).toBeCloseTo(value, 5)
    })
  })
  it.each([1, 4, 30])(
    'exponential means of contexts of up to %d vectors are exact in any order of the windows, whatever they share',
    async (most) => {
      const whole = wholeArticles()
      const length = whole.windows.length!.map((own) => Math.min(own, most))
      const first = whole.windows.target.map((row, i) => row - length[i]!)
      const rows = {
        ...whole,
        windows: { ...whole.windows, first, length },
        ids: Int32Array.from(permutation(whole.ids.length, 3)),
      }
      const decays = [0, 0.5, 0.9, 0.995, 1]
      using means = await exponentialMeans(rows, rows.ids, decays)
      const given = split((await means.data()) as Float32Array, DIM)
      const mixture = { decays, weights: [0.1, -0.4, 0.6, 0.5, -0.2] }
      const cosines = cosinesOf(await exponentialProducts(rows, decays), [...decays.keys()], mixture.weights)
      rows.ids.forEach((id, i) => {
        decays.forEach((decay, k) => {
          for (const [d, value] of mixed(rows, id, { decays: [decay], weights: [1] }).entries())
            expect(given[i * decays.length + k]![d]).toBeCloseTo(value, 6)
        })
        const target = data.vectors.subarray(rows.windows.target[id]! * DIM, (rows.windows.target[id]! + 1) * DIM)
        const sum = mixed(rows, id, mixture)
        const dot = sum.reduce((total, x, d) => total + x * target[d]!, 0)
        expect(cosines[i]).toBeCloseTo(dot / Math.hypot(...sum) / Math.hypot(...target), 12)
      })
    },
  )
  it('targets that are a mixture of exponential means are found by the fit', async () => {
    const rows = wholeArticles()
    const planted = { decays: [0, 0.85, 0.98], weights: [0.5, -0.9, 1.2] }
    const targets = Tensor.from(Float32Array.from([...rows.ids].flatMap((id) => mixed(rows, id, planted))), [
      rows.ids.length,
      DIM,
    ])
    const to = {
      ...rows,
      base: { ...rows.base, targets },
      windows: { ...rows.windows, target: Int32Array.from(rows.ids.keys()) },
    }
    const fit = await fitMixture(to)
    expect(await meanCosine(to, (ids) => applyMixture(fit, to, ids))).toBeGreaterThan(0.999)
  })
  it('the fitted mixture has a smaller squared error on its windows than any one exponential mean', async () => {
    const rows = wholeArticles()
    const error = (mixture: Mixture) =>
      rows.ids.reduce((sum, id) => {
        const target = data.vectors.subarray(rows.windows.target[id]! * DIM, (rows.windows.target[id]! + 1) * DIM)
        return sum + mixed(rows, id, mixture).reduce((s, x, d) => s + (x - target[d]!) ** 2, 0)
      }, 0)
    const least = error(await fitMixture(rows))
    for (const decay of [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
      for (const weight of [0.5, 0.7, 0.8, 0.9, 1]) expect(least).toBeLessThan(error({ decays: [decay], weights: [weight] }))
  })
  it('a mixture has no more means than its contexts have vectors, and its parameters describe it', async () => {
    const [mixture] = await fitBaselines(
      rowsOf(data, () => true),
      { names: ['exponential_mixture'] },
    )
    const { decays, weights } = mixtureIn(mixture!.params)
    expect([decays.length, weights.length]).toEqual([3, 3])
    expect(exponentialMixtureOf({ decays, weights }).params).toEqual(mixture!.params)
    expect((await fitMixture(wholeArticles(), 2)).decays.length).toBe(2)
    expect((await fitMixture(wholeArticles(), 64)).decays.length).toBe(16)
  })
})

describe('ridge on contexts of unequal lengths', () => {
  it('ridge reads exponential means of whole contexts, and its weights solve the regularised equations', async () => {
    const rows = wholeArticles()
    const { decays, lambda, weight, bias } = await fitRidge(rows)
    expect(decays!.length).toBe(6)
    const features = [...rows.ids].map((id) => decays!.flatMap((decay) => mixed(rows, id, { decays: [decay], weights: [1] })))
    const targets = [...rows.ids].map((id) => {
      const at = rows.windows.target[id]! * DIM
      return [...data.vectors.subarray(at, at + DIM)]
    })
    const means = features[0]!.map((_, j) => features.reduce((sum, x) => sum + x[j]!, 0) / features.length)
    const [w, b] = [(await weight.data()) as Float32Array, (await bias.data()) as Float32Array]
    const errors = features.map((x, i) =>
      targets[i]!.map((y, d) => y - b[d]! - x.reduce((sum, value, j) => sum + value * w[j * DIM + d]!, 0)),
    )
    for (let d = 0; d < DIM; d++) {
      expect(errors.reduce((sum, e) => sum + e[d]!, 0)).toBeCloseTo(0, 2) // the intercept
      means.forEach((mean, j) => {
        const gradient = features.reduce((sum, x, i) => sum + (x[j]! - mean) * errors[i]![d]!, 0)
        expect(gradient).toBeCloseTo(lambda * w[j * DIM + d]!, 2)
      })
    }
  })
})
