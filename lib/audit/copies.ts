import { randomIndex } from '../statistics/random-index.js'
import { call, Tensor } from '../torch/tensor.js'
import { isBad, sliceRows, type Table } from './unit-table.js'

/** Rows that are bit-identical to an earlier row, each with the earliest such row. */
export type Copies = ReadonlyMap<number, number>

async function integers(vectors: Tensor, rows?: Int32Array): Promise<Tensor> {
  const kind = vectors.dtype === 'float16' ? 'int16' : 'int32'
  if (rows === undefined) return vectors.op('aten::view.dtype', kind)
  using index = Tensor.from(BigInt64Array.from(rows, BigInt))
  using taken = await vectors.op('aten::index_select', 0, index)
  return await taken.op('aten::view.dtype', kind)
}

/** A selection of rows of a table. */
export interface Some {
  readonly table: Table
  readonly rows: Int32Array
}

const printed = new WeakMap<Table, BigInt64Array>()

/** Hashes each row: the sum of its words times random 64-bit weights, modulo 2⁶⁴. Candidates are compared afterwards. */
export async function fingerprints(table: Table): Promise<BigInt64Array> {
  const { vectors, rows, dim } = table
  const made = printed.get(table)
  if (made !== undefined) return made
  const draw = randomIndex(0x5eed)
  const weight = () => BigInt.asIntN(64, (BigInt(draw(2 ** 32)) << 32n) | BigInt(draw(2 ** 32)) | 1n)
  using weights = Tensor.from(BigInt64Array.from({ length: dim }, weight), [1, dim])
  const all = new BigInt64Array(rows)
  const slice = sliceRows(dim)
  for (let from = 0; from < rows; from += slice) {
    using part = await vectors.op('aten::narrow', 0, from, Math.min(slice, rows - from))
    using bits = await integers(part)
    using wide = await bits.to({ dtype: 'int64' }).ready()
    using product = await wide.op('aten::mul.Tensor', weights)
    using sums = await product.op('aten::sum.dim_IntList', [1])
    all.set((await sums.data()) as BigInt64Array, from)
  }
  printed.set(table, all)
  return all
}

/** Returns 1 for each pair of rows that is bit-identical. */
async function equal(a: Table, rowsA: Int32Array, b: Table, rowsB: Int32Array): Promise<Uint8Array> {
  const all = new Uint8Array(rowsA.length)
  const slice = sliceRows(a.dim)
  for (let at = 0; at < rowsA.length; at += slice) {
    using x = await integers(a.vectors, rowsA.subarray(at, at + slice))
    using y = await integers(b.vectors, rowsB.subarray(at, at + slice))
    using same = await x.op('aten::eq.Tensor', y)
    using every = (await call('aten::all.dim', [same, 1])) as Tensor
    all.set((await every.data()) as Uint8Array, at)
  }
  return all
}

/** Returns the rows of a table that are bit-identical to an earlier one. Rows without a direction are skipped. */
export async function copiesWithin(table: Table): Promise<Copies> {
  const first = new Map<bigint, number>()
  const [earlier, later]: [number[], number[]] = [[], []]
  for (const [row, print] of (await fingerprints(table)).entries()) {
    if (isBad(table.lengths[row]!)) continue
    const known = first.get(print)
    if (known === undefined) first.set(print, row)
    else {
      earlier.push(known)
      later.push(row)
    }
  }
  const same = await equal(table, Int32Array.from(earlier), table, Int32Array.from(later))
  return new Map(later.flatMap((row, i) => (same[i] === 1 ? [[row, earlier[i]!] as const] : [])))
}

/** Returns the rows of `a` that are bit-identical to a row of `b`, each with one such row; none when the dtypes differ. */
export async function copiesBetween(a: Some, b: Some): Promise<Copies> {
  if (a.table.dim !== b.table.dim || a.table.vectors.dtype !== b.table.vectors.dtype) return new Map()
  const [ofA, ofB] = [await fingerprints(a.table), await fingerprints(b.table)]
  const known = new Map([...b.rows].map((row) => [ofB[row]!, row] as const))
  const pairs = [...a.rows].flatMap((row) => {
    const there = known.get(ofA[row]!)
    return there === undefined ? [] : [[row, there] as const]
  })
  const column = (i: 0 | 1) => Int32Array.from(pairs, (pair) => pair[i])
  const same = await equal(a.table, column(0), b.table, column(1))
  return new Map(pairs.filter((_, i) => same[i] === 1))
}
