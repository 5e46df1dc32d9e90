import { randomIndex } from '../../../lib/statistics/random-index.js'
import { Tensor } from '../../../lib/torch/tensor.js'
import { gaussian } from '../../statistics/clustered.js'

/** Queries, a bank, and for each query its target and the excluded rows. */
export interface Case {
  readonly dim: number
  readonly queries: Float32Array
  readonly bank: Float32Array
  readonly target: Int32Array
  readonly first: Int32Array
  readonly excluded: Int32Array
}

/** Rounds a number to float16 and returns its 16 bits. */
export function toHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const a = Math.abs(x)
  const even = (q: number) => (q % 1 === 0.5 ? 2 * Math.round(q / 2) : Math.round(q))
  if (a < 2 ** -14) return sign | even(a * 2 ** 24)
  const exponent = Math.floor(Math.log2(a))
  const e = a / 2 ** exponent >= 2 ? exponent + 1 : a / 2 ** exponent < 1 ? exponent - 1 : exponent
  return sign | (((e + 15) << 10) + even((a / 2 ** e - 1) * 1024))
}
/** Returns the value of a float16 from its 16 bits. */
export function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
  return bits & 0x8000 ? -size : size
}

const neighbour = (x: number, up: boolean): number => {
  if (x === 0) return 0
  const word = new Int32Array(Float32Array.of(x).buffer)
  word[0]! += up === x > 0 ? 1 : -1
  return new Float32Array(word.buffer)[0]!
}

/**
 * Makes a bank with ties of every kind: copies, scaled copies, rows that differ in one bit, opposite and orthogonal rows, zeros.
 *
 * `whole` uses small integers, which adds many more ties.
 */
export function makeCase(o: { seed: number; dim: number; rows: number; n: number; whole: boolean }): Case {
  const { dim, rows, n } = o
  const draw = randomIndex(o.seed)
  const gauss = gaussian(o.seed + 1000)
  const number = () => (o.whole ? draw(3) - 1 : gauss())
  const bank = Float32Array.from({ length: rows * dim }, number)
  const row = (i: number) => bank.subarray(i * dim, (i + 1) * dim)
  for (let i = 1; i < rows; i++) {
    const other = row(draw(i))
    const kind = draw(12)
    if (kind === 0) row(i).set(other)
    if (kind === 1) row(i).set(other.map((x) => 2 * x))
    if (kind === 2) row(i).set(other.map((x) => -x))
    if (kind === 3 && !o.whole) row(i).set(other.map((x, j) => (j % 7 === i % 7 ? neighbour(x, j % 2 === 0) : x)))
    if (kind === 4) row(i).set(other.map((x, j) => (j % 2 === 0 ? x : 0)))
    if (kind === 5 && draw(4) === 0) row(i).fill(0)
  }
  const queries = new Float32Array(n * dim)
  const target = Int32Array.from({ length: n }, () => draw(rows))
  const [first, excluded] = [new Int32Array(n + 1), [] as number[]]
  for (let i = 0; i < n; i++) {
    const near = row(target[i]!)
    const kind = draw(5)
    const q = queries.subarray(i * dim, (i + 1) * dim)
    if (kind === 0) q.set(near)
    else if (kind === 1 && i % 4 === 0) q.fill(0)
    else q.set(near.map((x) => x + (kind === 2 ? 0.01 : 1) * number()))
    const out = new Set(Array.from({ length: draw(9) }, () => draw(rows)))
    for (const r of out) if (r !== target[i]) excluded.push(r)
    first[i + 1] = excluded.length
  }
  return { dim, queries, bank, target, first, excluded: Int32Array.from(excluded) }
}

/** Searches in float64, as the reference. */
export function bruteForce(c: Case, k: number, without: boolean) {
  const { dim, queries, bank, target } = c
  const rows = bank.length / dim
  const dot = (a: Float32Array, i: number, b: Float32Array, j: number) => {
    let sum = 0
    for (let d = 0; d < dim; d++) sum += a[i * dim + d]! * b[j * dim + d]!
    return sum
  }
  const norms = Float64Array.from({ length: rows }, (_, j) => Math.sqrt(dot(bank, j, bank, j)))
  return Array.from(target, (own, i) => {
    const norm = Math.sqrt(dot(queries, i, queries, i))
    const cosines = norms.map((m, j) => (m > 0 && norm > 0 ? dot(queries, i, bank, j) / (norm * m) : 0))
    const left = new Set(without ? c.excluded.subarray(c.first[i]!, c.first[i + 1]!) : [])
    const pool = [...cosines.keys()].filter((j) => !left.has(j))
    const others = pool.filter((j) => j !== own)
    const order = pool.sort((a, b) => cosines[b]! - cosines[a]! || a - b).slice(0, k)
    return {
      ahead: others.filter((j) => cosines[j]! > cosines[own]! + 1e-14).length,
      tied: others.filter((j) => Math.abs(cosines[j]! - cosines[own]!) <= 1e-14).length,
      rows: order,
      cosines: order.map((j) => cosines[j]!),
      toTarget: order.map((j) => (norms[j]! > 0 && norms[own]! > 0 ? dot(bank, j, bank, own) / (norms[j]! * norms[own]!) : 0)),
    }
  })
}

/** Returns the bank as a tensor; a float16 bank must hold float16 values only. */
export const tensorOf = ({ bank, dim }: Case, half: boolean): Tensor =>
  half
    ? Tensor.from(Uint16Array.from(bank, toHalf), [bank.length / dim, dim], { dtype: 'float16' })
    : Tensor.from(bank, [bank.length / dim, dim])
/** Returns the case with its bank rounded to float16. */
export const rounded = (c: Case): Case => ({ ...c, bank: c.bank.map((x) => fromHalf(toHalf(x))) })
