import { beforeAll, describe, expect, it } from 'vitest'
import { applyRidge, fitRidge, fitRidges, innerSplit } from '../../lib/baselines/ridge.js'
import { native } from '../../lib/native.js'
import { contextOf, rowsOf, type Synthetic, split, synthetic, targetOf } from './synthetic.js'

/** Solves A W = B by Gaussian elimination with pivoting, in float64. */
function solve(a: number[][], b: number[][]): number[][] {
  const rows = a.map((row, i) => [...row, ...b[i]!])
  const n = a.length
  for (let k = 0; k < n; k++) {
    const pivot = rows.slice(k).reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + i : best), k)
    ;[rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!]
    for (let i = 0; i < n; i++) {
      if (i === k) continue
      const factor = rows[i]![k]! / rows[k]![k]!
      if (factor !== 0) for (let j = k; j < rows[i]!.length; j++) rows[i]![j]! -= factor * rows[k]![j]!
    }
  }
  return rows.map((row, k) => row.slice(n).map((x) => x / row[k]!))
}

/** Ridge regression from its definition: the intercept is an extra input without penalty. */
function referencePrediction(data: Synthetic, train: Int32Array, judged: Int32Array, lambda: number): number[][] {
  const x = [...train].map((id) => [1, ...contextOf(data, id)])
  const y = [...train].map((id) => [...targetOf(data, id)])
  const p = x[0]!.length
  const gram = Array.from({ length: p }, (_, i) =>
    Array.from({ length: p }, (_, j) => x.reduce((s, row) => s + row[i]! * row[j]!, i === j && i > 0 ? lambda : 0)),
  )
  const right = Array.from({ length: p }, (_, i) => y[0]!.map((_, d) => x.reduce((s, row, r) => s + row[i]! * y[r]![d]!, 0)))
  const weights = solve(gram, right)
  return [...judged].map((id) => {
    const input = [1, ...contextOf(data, id)]
    return y[0]!.map((_, d) => input.reduce((s, v, i) => s + v * weights[i]![d]!, 0))
  })
}

async function compare(lengths: number[]) {
  const data = synthetic({ dim: 8, context: 3, lengths, seed: 4 })
  const train = rowsOf(data, (a) => a % 5 !== 0)
  const judged = rowsOf(data, (a) => a % 5 === 0)
  const fit = await fitRidge(train)
  const got = split((await (await applyRidge(fit, judged, judged.ids)).data()) as Float32Array, 8)
  const expected = referencePrediction(data, train.ids, judged.ids, fit.lambda)
  for (const [i, row] of got.entries()) for (const [d, v] of row.entries()) expect(v).toBeCloseTo(expected[i]![d]!, 5)
  return { fit, train }
}

beforeAll(() => native.setThreads(1))

describe('fitRidge', () => {
  it('ridge equals the float64 normal equations with more windows than inputs', async () => {
    const { fit, train } = await compare(new Array(20).fill(25))
    expect(train.ids.length).toBeGreaterThan(24)
    expect(fit).toMatchObject({ positions: 3 })
  })
  it('ridge equals the float64 normal equations with fewer windows than inputs', async () => {
    const { train } = await compare(new Array(6).fill(7))
    expect(train.ids.length).toBeLessThan(24)
  })
  it('the choice of λ does not depend on the evaluated windows', async () => {
    const data = synthetic({ dim: 8, context: 3, lengths: new Array(20).fill(25), seed: 5 })
    const isTrain = (a: number) => a < 15
    const one = await fitRidge(rowsOf(data, isTrain))
    const changed = { ...data, vectors: data.vectors.map((v, i) => (i < 15 * 25 * 8 ? v : -3 * v)) }
    const other = await fitRidge(rowsOf(changed, isTrain))
    expect(other.lambda).toBe(one.lambda)
    expect(await other.weight.data()).toEqual(await one.weight.data())
  })
  it('a pair holds the fit of all windows, and one of the inner articles for the same λ', async () => {
    const train = rowsOf(synthetic({ dim: 8, context: 3, lengths: new Array(20).fill(25), seed: 9 }), () => true)
    const alone = await fitRidge(train)
    const [pair] = await fitRidges(train, [undefined])
    expect(pair!.all.lambda).toBe(alone.lambda)
    expect(await pair!.all.weight.data()).toEqual(await alone.weight.data())
    const { inner } = innerSplit(train)
    const got = split((await (await applyRidge(pair!.inner, train, train.ids)).data()) as Float32Array, 8)
    const data = synthetic({ dim: 8, context: 3, lengths: new Array(20).fill(25), seed: 9 })
    const expected = referencePrediction(data, inner.ids, train.ids, alone.lambda)
    for (const [i, row] of got.entries()) for (const [d, v] of row.entries()) expect(v).toBeCloseTo(expected[i]![d]!, 5)
  })
  it('λ is larger when the inputs carry no information', async () => {
    const informative = await fitRidge(
      rowsOf(synthetic({ dim: 8, context: 3, lengths: new Array(40).fill(60), seed: 6 }), () => true),
    )
    const data = synthetic({ dim: 8, context: 3, lengths: new Array(40).fill(60), seed: 6 })
    const far = { ...data, target: data.target.map((_, i) => data.target[(i * 997) % data.target.length]!) }
    const useless = await fitRidge(rowsOf(far, () => true))
    expect(useless.lambda).toBeGreaterThan(informative.lambda)
  })
  it('ridge can be fitted on one article and on two windows', async () => {
    for (const lengths of [[30], [5]]) {
      const data = synthetic({ dim: 8, context: 3, lengths, seed: 7 })
      const rows = rowsOf(data, () => true)
      const fit = await fitRidge(rows)
      const out = (await (await applyRidge(fit, rows, rows.ids)).data()) as Float32Array
      expect(out.every(Number.isFinite)).toBe(true)
    }
  })
  it('ridge reads only the last context vectors when all would exceed the maximum number of inputs', async () => {
    const data = synthetic({ dim: 3000, context: 4, lengths: [8, 8], seed: 8 })
    const rows = rowsOf(data, () => true)
    const fit = await fitRidge(rows)
    expect(fit.positions).toBe(2)
    expect(fit.weight.shape).toEqual([6000, 3000])
  })
})
