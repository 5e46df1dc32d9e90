import type { DataType, FixedSizeList, Table } from 'apache-arrow'
import type { BankRows } from './bank.js'

export type Arrow = typeof import('apache-arrow')

/** Columns of the table of a bank. */
export const schemaOf = ({ Field, FixedSizeList, Float32, Int32, Schema, Utf8 }: Arrow, dim: number) =>
  new Schema([
    new Field('row', new Int32(), false),
    new Field('article', new Utf8(), true),
    new Field('position', new Int32(), true),
    new Field('text', new Utf8(), true),
    new Field('vector', new FixedSizeList(dim, new Field('item', new Float32(), true)), false),
  ])

/** Rows as a table of Arrow; the vectors are not copied. */
export function arrowRows(arrow: Arrow, { at, count, vectors, articles, positions, texts }: BankRows): Table {
  const schema = schemaOf(arrow, vectors.length / count)
  const { Float32, Int32, makeData, RecordBatch, Struct, Utf8, vectorFromArray } = arrow
  const child = makeData({ type: new Float32(), length: vectors.length, nullCount: 0, data: vectors })
  const column = (values: readonly (string | number | null)[], type: DataType) => vectorFromArray(values, type).data[0]!
  const children = [
    makeData({ type: new Int32(), length: count, nullCount: 0, data: Int32Array.from({ length: count }, (_, i) => at + i) }),
    column(articles, new Utf8()),
    column(positions, new Int32()),
    column(texts, new Utf8()),
    makeData({ type: schema.fields[4]!.type as FixedSizeList, length: count, nullCount: 0, child }),
  ]
  const batch = makeData({ type: new Struct(schema.fields), length: count, nullCount: 0, children })
  return new arrow.Table([new RecordBatch(schema, batch)])
}

/** Vectors of an answer, one after the other. */
export function vectorsOf(found: Table, dim: number): Float32Array {
  const column = found.getChild('vector')!
  const all = new Float32Array(found.numRows * dim)
  for (let i = 0; i < found.numRows; i++) all.set((column.get(i) as { toArray(): Float32Array }).toArray(), i * dim)
  return all
}

/** The rows of an answer in their order. */
export function bankRows(found: Table, at: number): BankRows {
  const rows = found.getChild('row')!.toArray() as Int32Array
  const order = Int32Array.from(rows.keys()).sort((a, b) => rows[a]! - rows[b]!)
  const of = <T>(column: string) => Array.from(order, (i) => found.getChild(column)!.get(i) as T | null)
  const dim = (found.schema.fields.find(({ name }) => name === 'vector')!.type as FixedSizeList).listSize
  const unsorted = vectorsOf(found, dim)
  const vectors = new Float32Array(unsorted.length)
  order.forEach((i, to) => {
    vectors.set(unsorted.subarray(i * dim, (i + 1) * dim), to * dim)
  })
  const [articles, positions, texts] = [of<string>('article'), of<number>('position'), of<string>('text')]
  return { at, count: rows.length, vectors, articles, positions, texts }
}
