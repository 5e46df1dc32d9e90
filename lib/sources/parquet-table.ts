import { damaged } from '../files/read-file.js'
import type { Column, Table, Values } from './table.js'

type Hyparquet = typeof import('../packages/parquet.js')
type Tree = ReturnType<Hyparquet['parquetSchema']>

/** The element of a column of lists; undefined for any other column. */
function elementOf({ children: [child, ...others], element }: Tree) {
  if (child === undefined || others.length > 0) return undefined
  if (element.repetition_type === 'REPEATED') return undefined
  const leaf = child.children.length === 1 ? child.children[0]! : child
  const repeated = child.element.repetition_type === 'REPEATED' && leaf.children.length === 0
  return repeated ? leaf.element : undefined
}

function columnOf(tree: Tree): Column {
  const element = elementOf(tree)
  const half = element?.logical_type?.type === 'FLOAT16'
  const vectors = half || element?.type === 'FLOAT' || element?.type === 'DOUBLE'
  return { name: tree.element.name, kind: vectors ? 'vectors' : 'value', ...(half && { half }) }
}

/** Opens a Parquet file; it is read one row group at a time. Errors: DATA_FORMAT. */
export async function parquetTable(path: string): Promise<Table> {
  const { asyncBufferFromFile, compressors, parquetMetadataAsync, parquetRead, parquetSchema } = await import(
    '../packages/parquet.js'
  )
  const bad = (cause: unknown) =>
    damaged(path, `expected a Parquet file but it cannot be read: ${cause instanceof Error ? cause.message : cause}`, cause)
  try {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const columns = parquetSchema(metadata).children.map(columnOf)
    async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
      let rowStart = 0
      for (const { num_rows } of metadata.row_groups) {
        const rowEnd = rowStart + Number(num_rows)
        const parts = new Map<string, Values[]>(wanted.map((name) => [name, []]))
        const onChunk = (c: { columnName: string; columnData: Values }) => void parts.get(c.columnName)!.push(c.columnData)
        await parquetRead({ file, metadata, compressors, columns: [...wanted], rowStart, rowEnd, onChunk }).catch((e) => {
          throw bad(e)
        })
        yield* together(parts, rowEnd - rowStart)
        rowStart = rowEnd
      }
    }
    return { path, format: 'parquet', columns, read }
  } catch (error) {
    throw bad(error)
  }
}

/** Joins the pages of a row group where its columns are cut at different rows. */
function* together(parts: ReadonlyMap<string, Values[]>, rows: number): Generator<ReadonlyMap<string, Values>> {
  if (rows === 0) return
  yield new Map(
    [...parts].map(([name, pages]) => {
      const lists = pages as unknown[][]
      return [name, lists.length === 1 ? lists[0]! : lists.flatMap((page) => Array.from(page))] as const
    }),
  )
}
