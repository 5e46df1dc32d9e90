import { type FileHandle, open } from 'node:fs/promises'
import type { ParquetWriter } from 'hyparquet-writer'
import { badOption } from '../errors.js'
import { writeAll } from '../files/write.js'
import { safetensorsHeader } from '../files/write-safetensors.js'
import { native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import { CONVERTED } from './source-path.js'
import { isMatrix, rolesOf, rowsIn, type Table, type Values } from './table.js'
import { writeRows } from './write-rows.js'

/** Files of a base that is being written. */
export interface Paths {
  readonly vectors: string
  readonly side: string
}
type Read = (rows: number) => void
type Write = (table: Table, to: Paths, read: Read) => Promise<{ readonly sided: boolean }>

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema']

const namesOf = ({ columns }: Table) => columns.map(({ name }) => name)

/** A float16 as a number. Source: IEEE 754 binary16. */
function halfNumber(bits: number): number {
  const [sign, exponent, fraction] = [bits >>> 15 ? -1 : 1, (bits >>> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** A fact of a row for a format whose columns hold single values: a list of categories is one text, as `labelsIn` reads it. */
function single(value: unknown): unknown {
  if (!Array.isArray(value)) return value ?? null
  const ambiguous = value.some((label) => /^\[|;/.test(String(label)))
  return ambiguous ? JSON.stringify(value) : value.join(';')
}

/** The vectors of one batch as lists of numbers. */
function listsOf(values: Values): ArrayLike<number>[] {
  if (!isMatrix(values)) return Array.from(values) as ArrayLike<number>[]
  const { dim, values: all } = values
  const numbers = all instanceof Uint16Array ? Float32Array.from(all, halfNumber) : all
  return Array.from({ length: all.length / dim }, (_, i) => numbers.subarray(i * dim, (i + 1) * dim))
}

/** Numbers as text that gives the same bits again; JavaScript writes −0 without its sign. */
const numbersOf = (vector: ArrayLike<number>): string[] => Array.from(vector, (x) => (Object.is(x, -0) ? '-0' : String(x)))

async function writeText(
  table: Table,
  to: Paths,
  read: Read,
  lines: (batch: ReadonlyMap<string, Values>, first: boolean) => string,
) {
  const file: FileHandle = await open(to.vectors, 'wx')
  try {
    let rows = 0
    for await (const batch of table.read(namesOf(table))) {
      await writeAll(file, Buffer.from(lines(batch, rows === 0)))
      rows += rowsIn(batch.get('vectors')!)
      read(rows)
    }
  } finally {
    await file.close()
  }
  return { sided: false }
}

const jsonLines: Write = (table, to, read) =>
  writeText(table, to, read, (batch) => {
    const names = namesOf(table).filter((name) => name !== 'vectors')
    const lineOf = (vector: ArrayLike<number>, i: number) => {
      const facts = names.map(
        (name) => `${JSON.stringify(name)}:${JSON.stringify((batch.get(name) as ArrayLike<unknown>)[i] ?? null)},`,
      )
      return `{${facts.join('')}"vectors":[${numbersOf(vector).join(',')}]}\n`
    }
    return listsOf(batch.get('vectors')!).map(lineOf).join('')
  })

const quoted = (value: unknown): string => {
  const text = String(single(value) ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
const delimited: Write = (table, to, read) =>
  writeText(table, to, read, (batch, first) => {
    const names = namesOf(table).filter((name) => name !== 'vectors')
    const lists = listsOf(batch.get('vectors')!)
    const header = () => `${[...names, ...Array.from(lists[0]!, (_, k) => `e${k}`)].map(quoted).join(',')}\n`
    const row = (vector: ArrayLike<number>, i: number) =>
      [...names.map((name) => quoted((batch.get(name) as ArrayLike<unknown>)[i])), ...numbersOf(vector)].join(',')
    return `${first ? header() : ''}${lists.map(row).join('\n')}\n`
  })

const parquet: Write = async (table, to, read) => {
  const { fileWriter, ParquetWriter } = await import('../packages/parquet-writer.js')
  const half = table.columns.some((column) => column.half)
  const { columns } = table
  const element = half
    ? ({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } } as const)
    : ({ type: 'FLOAT' } as const)
  const schema = columns.flatMap(({ name }): Schema => {
    if (name !== 'vectors') {
      const type = name === 'index' ? ({ type: 'INT32' } as const) : ({ type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const)
      return [{ name, repetition_type: 'OPTIONAL' as const, ...type }]
    }
    return [
      {
        name,
        repetition_type: 'OPTIONAL' as const,
        num_children: 1,
        converted_type: 'LIST' as const,
        logical_type: { type: 'LIST' as const },
      },
      { name: 'list', repetition_type: 'REPEATED' as const, num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL' as const, ...element },
    ]
  })
  const writer = new ParquetWriter({
    writer: fileWriter(to.vectors),
    schema: [{ name: 'root', num_children: columns.length }, ...schema],
    createdBy: 'lvm-torch',
  })
  let rows = 0
  for await (const batch of table.read(columns.map(({ name }) => name))) {
    const data = (name: string) =>
      name === 'vectors'
        ? listsOf(batch.get(name)!).map((list) => Array.from(list))
        : Array.from(batch.get(name) as ArrayLike<unknown>, single)
    await writer.write({ columnData: columns.map(({ name }) => ({ name, data: data(name) })) })
    rows += rowsIn(batch.get('vectors')!)
    read(rows)
  }
  await writer.finish()
  return { sided: false }
}

/** Reads a table whole, for formats that are written at once. */
async function whole(table: Table, read: Read) {
  const columns = new Map(namesOf(table).map((name) => [name, [] as unknown[]]))
  const vectors: (Float32Array | Float64Array | Uint16Array)[] = []
  let [rows, dim] = [0, 0]
  for await (const batch of table.read(namesOf(table))) {
    for (const [name, values] of batch) {
      if (!isMatrix(values)) for (let i = 0; i < values.length; i++) columns.get(name)!.push(values[i])
      else {
        vectors.push(values.values)
        dim = values.dim
      }
    }
    rows += rowsIn(batch.get('vectors')!)
    read(rows)
  }
  columns.delete('vectors')
  return { columns, vectors, rows, dim }
}

const pytorch: Write = async (table, to, read) => {
  const { columns, vectors, rows, dim } = await whole(table, read)
  const half = vectors[0] instanceof Uint16Array
  const all = new (half ? Uint16Array : Float32Array)(rows * dim)
  let at = 0
  for (const part of vectors) {
    all.set(part as Float32Array, at)
    at += part.length
  }
  using tensor = Tensor.from(all, [rows, dim], { dtype: half ? 'float16' : 'float32' })
  const facts = [...columns].map(([name, values]) => [name, values.map(single)] as const)
  await native.savePt(to.vectors, Object.fromEntries([['vectors', tensor.native], ...facts]))
  return { sided: false }
}

const arrow: Write = async (table, to, read) => {
  const arrows = await import('../packages/flechette.js')
  const names = namesOf(table)
  const columns = new Map(names.map((name) => [name, [] as unknown[]]))
  let [rows, dim] = [0, 0]
  for await (const batch of table.read(names)) {
    for (const [name, values] of batch)
      for (const value of name === 'vectors' ? listsOf(values) : Array.from(values as ArrayLike<unknown>, single))
        columns.get(name)!.push(value)
    dim ||= (columns.get('vectors')![0] as ArrayLike<number>).length
    rows += rowsIn(batch.get('vectors')!)
    read(rows)
  }
  const half = table.columns.some((column) => column.half)
  const typeOf = (name: string) => {
    if (name === 'vectors') return arrows.fixedSizeList(half ? arrows.float16() : arrows.float32(), dim)
    return name === 'index' ? arrows.int32() : arrows.utf8()
  }
  const made = Object.fromEntries(
    [...columns].map(([name, values]) => [
      name,
      arrows.columnFromArray(values as never, typeOf(name) as never, { maxBatchRows: 10_000 } as never),
    ]),
  )
  const format = /\.arrows$/i.test(to.vectors) ? 'stream' : 'file'
  const file = await open(to.vectors, 'wx')
  try {
    await writeAll(file, arrows.tableToIPC(arrows.tableFromColumns(made as never), { format })!)
  } finally {
    await file.close()
  }
  return { sided: false }
}

/** The writer of each ending. */
const WRITERS: Readonly<Record<string, Write>> = {
  '.npy': (table, to, read) => writeRows(table, rolesOf(table, {}), to, read),
  '.safetensors': (table, to, read) => writeRows(table, rolesOf(table, {}), to, read, safetensorsHeader),
  '.jsonl': jsonLines,
  '.csv': delimited,
  '.parquet': parquet,
  '.arrow': arrow,
  '.arrows': arrow,
  '.feather': arrow,
  '.pt': pytorch,
}

/** Endings of files whose facts stand in a file beside them. */
export const SIDED = ['.npy', '.safetensors']

/** Ending of a file that a base can be written to. Errors: BAD_OPTION for any other. */
export function writtenEnding(owner: string, key: string, path: string): string {
  const ending = Object.keys(WRITERS).find((end) => path.toLowerCase().endsWith(end))
  const isRead = ['.npz', ...CONVERTED].some((end) => path.toLowerCase().endsWith(end))
  const hint = isRead ? 'choose one of these endings; a file of this format is read, but not written' : undefined
  if (ending === undefined) throw badOption(owner, key, `a name that ends in ${Object.keys(WRITERS).join(', ')}`, path, hint)
  return ending
}

/** Writes the rows of a base to new files in the format of an ending. */
export const writeTable = (ending: string, table: Table, to: Paths, read: Read): Promise<{ readonly sided: boolean }> =>
  WRITERS[ending]!(table, to, read)
