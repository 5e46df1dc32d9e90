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
async function fingerprints(table: Table): Promise<BigInt64Array> {
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

/** The fingerprints as pairs of 32-bit words: a JavaScript map of 64-bit integers takes ten times the memory. */
const words = async (table: Table) => new Int32Array((await fingerprints(table)).buffer)

/** Rows by their fingerprint, in 8 to 16 bytes a row. */
class RowTable {
  readonly #rows: Int32Array
  constructor(
    private readonly own: Int32Array,
    count: number,
  ) {
    this.#rows = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 1))).fill(-1)
  }
  #place(words: Int32Array, row: number): number {
    const { own } = this
    const [low, high] = [words[2 * row]!, words[2 * row + 1]!]
    const mask = this.#rows.length - 1
    let place = (low ^ Math.imul(high, 0x9e3779b1)) & mask
    for (let other = this.#rows[place]!; other >= 0; other = this.#rows[place]!) {
      if (own[2 * other] === low && own[2 * other + 1] === high) break
      place = (place + 1) & mask
    }
    return place
  }
  /** The row with the fingerprint that a row has in `words`; −1 for none. */
  find(words: Int32Array, row: number): number {
    return this.#rows[this.#place(words, row)]!
  }
  set(row: number): void {
    this.#rows[this.#place(this.own, row)] = row
  }
}

/** Pairs of rows that are bit-identical, of those with equal fingerprints. */
async function confirmed(a: Table, rowsA: readonly number[], b: Table, rowsB: readonly number[]): Promise<Copies> {
  const same = await equal(a, Int32Array.from(rowsA), b, Int32Array.from(rowsB))
  const copies = new Map<number, number>()
  for (let i = 0; i < rowsA.length; i++) if (same[i] === 1) copies.set(rowsA[i]!, rowsB[i]!)
  return copies
}

/** Returns the rows of a table that are bit-identical to an earlier one. Rows without a direction are skipped. */
export async function copiesWithin(table: Table): Promise<Copies> {
  const prints = await words(table)
  const first = new RowTable(prints, table.rows)
  const [earlier, later]: [number[], number[]] = [[], []]
  for (let row = 0; row < table.rows; row++) {
    if (isBad(table.lengths[row]!)) continue
    const known = first.find(prints, row)
    if (known < 0) first.set(row)
    else {
      earlier.push(known)
      later.push(row)
    }
  }
  return confirmed(table, later, table, earlier)
}

/** Returns the rows of `a` that are bit-identical to a row of `b`, each with one such row; none when the dtypes differ. */
export async function copiesBetween(a: Some, b: Some): Promise<Copies> {
  if (a.table.dim !== b.table.dim || a.table.vectors.dtype !== b.table.vectors.dtype) return new Map()
  const [ofA, ofB] = [await words(a.table), await words(b.table)]
  const known = new RowTable(ofB, b.rows.length)
  for (const row of b.rows) known.set(row)
  const [here, there]: [number[], number[]] = [[], []]
  for (const row of a.rows) {
    const found = known.find(ofA, row)
    if (found < 0) continue
    here.push(row)
    there.push(found)
  }
  return confirmed(a.table, here, b.table, there)
}
