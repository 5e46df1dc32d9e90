import { type FileHandle, open } from 'node:fs/promises'
import { LvmError, shown } from '../errors.js'
import { npyHeader } from '../files/npy.js'
import { damaged } from '../files/read-file.js'
import { writeAll } from '../files/write.js'
import { isMatrix, type Roles, rowsIn, type Table, type Values } from './table.js'

/** Bits of a float32 as float16, for numbers that a float16 holds exactly. */
function halfBits(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(bits, (b) => {
    const [sign, exponent, mantissa] = [(b >>> 16) & 0x8000, (b >>> 23) & 0xff, b & 0x7fffff]
    if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200)
    if (exponent > 112) return sign | ((exponent - 112) << 10) | (mantissa >>> 13)
    return exponent < 103 ? sign : sign | ((mantissa | 0x800000) >>> (126 - exponent))
  })
}

const isNumbers = (value: unknown): value is ArrayLike<number> =>
  (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) &&
  typeof (value as unknown as ArrayLike<unknown>)[0] === 'number'

/** Joins lists of numbers, one for each row, into one array. Errors: DATA_SHAPE, DATA_FORMAT. */
function joined(path: string, lists: ArrayLike<unknown>, at: number, dim: number): Float32Array {
  const all = new Float32Array(lists.length * dim)
  for (let i = 0; i < lists.length; i++) {
    const list = lists[i]
    if (!isNumbers(list)) throw damaged(path, `row ${at + i}: expected a vector, a list of numbers, but received ${shown(list)}`)
    if (list.length !== dim)
      throw new LvmError(
        'DATA_SHAPE',
        `${path}: expected vectors of ${dim} numbers, as in row 0, but row ${at + i} has ${list.length}`,
      )
    all.set(list, i * dim)
    for (let k = 0; k < dim; k++)
      if (typeof list[k] !== 'number') throw damaged(path, `row ${at + i}: expected numbers but received ${shown(list[k])}`)
  }
  return all
}

/** Vectors as they are written: float32, or float16 as bits. */
function stored(path: string, values: Values, half: boolean, at: number, dim: number): Float32Array | Uint16Array {
  if (isMatrix(values) && values.dim !== dim)
    throw new LvmError('DATA_SHAPE', `${path}: expected vectors of ${dim} numbers, as in row 0, but row ${at} has ${values.dim}`)
  if (isMatrix(values) && values.values instanceof Uint16Array) return values.values
  const single = isMatrix(values)
    ? values.values instanceof Float32Array
      ? values.values
      : Float32Array.from(values.values)
    : joined(path, values, at, dim)
  return half ? halfBits(single) : single
}

const isNone = (value: unknown): boolean => value === undefined || value === null
/** An integer in any of the forms in which files hold one. */
function integer(path: string, name: string, row: number, value: unknown): number {
  const number = typeof value === 'bigint' || (typeof value === 'string' && value.trim() !== '') ? Number(value) : value
  if (Number.isSafeInteger(number)) return number as number
  throw damaged(path, `row ${row}: expected an integer for "${name}" but received ${shown(value)}`)
}

/** A text, or a number as text. */
function words(path: string, name: string, row: number, value: unknown): string {
  if (typeof value !== 'object' && typeof value !== 'function' && !Number.isNaN(value)) return String(value)
  throw damaged(path, `row ${row}: expected a text or a number for "${name}" but received ${shown(value)}`)
}

/** Categories in one text: separated by semicolons, or as a JSON list. */
function labelsIn(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list)) return list.map(String)
  } catch {} // no JSON
  return text.split(';')
}

/** Writes the facts of one row as a line of the side file. */
function line(path: string, row: number, roles: Roles, fact: (name: string) => unknown): string {
  const { articles, positions, texts, titles, categories } = roles
  const pick = (name: string | undefined) => (name === undefined ? undefined : fact(name))
  const [id, index, text, title, names] = [articles, positions, texts, titles, categories].map(pick)
  if (articles !== undefined && (isNone(id) || id === ''))
    throw damaged(path, `row ${row}: expected an article in "${articles}" but received ${shown(id)}`)
  return `${JSON.stringify({
    ...(articles !== undefined && { article_id: words(path, articles, row, id) }),
    ...(!isNone(title) && { title: words(path, titles!, row, title) }),
    ...(positions !== undefined && { index: integer(path, positions, row, index) }),
    ...(!isNone(text) && { text: words(path, texts!, row, text) }),
    ...(Array.isArray(names) && { categories: names.map(String) }),
    ...(typeof names === 'string' && names !== '' && { categories: labelsIn(names) }),
  })}\n`
}

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength)

/** Rows and dimension of written vectors, and whether a side file was written. */
export interface WrittenRows {
  readonly rows: number
  readonly dim: number
  readonly sided: boolean
}

/** Beginning of a file of vectors, of equal length for any number of rows. */
type Head = (rows: number, dim: number, dtype: 'float16' | 'float32') => Buffer

/** Writes rows as `.npy`, or after another `head`, and their facts as `.jsonl`, to new files. `read` receives the rows so far. Errors: DATA_FORMAT, DATA_SHAPE, those of the table. */
export async function writeRows(
  table: Table,
  roles: Roles,
  to: { readonly vectors: string; readonly side: string },
  read: (rows: number) => void = () => {},
  head: Head = npyHeader,
): Promise<WrittenRows> {
  const { path } = table
  const { vectors, ...facts } = roles
  const names = Object.values(facts)
  const half = vectors.half === true
  const dtype = half ? 'float16' : 'float32'
  const opened: FileHandle[] = []
  let [rows, dim] = [0, 0]
  try {
    const out = await open(to.vectors, 'wx')
    opened.push(out)
    const side = names.length > 0 ? await open(to.side, 'wx') : undefined
    if (side !== undefined) opened.push(side)
    for await (const batch of table.read([vectors.name, ...names])) {
      const own = batch.get(vectors.name)!
      const count = rowsIn(own)
      if (count === 0) continue
      if (rows === 0) {
        dim = isMatrix(own) ? own.dim : isNumbers(own[0]) ? own[0].length : 1
        await writeAll(out, head(0, dim, dtype))
      }
      const at = rows
      await writeAll(out, bytesOf(stored(path, own, half, at, dim)))
      const lines = () =>
        Array.from({ length: count }, (_, i) =>
          line(path, at + i, roles, (name) => (batch.get(name) as ArrayLike<unknown>)[i]),
        ).join('')
      if (side !== undefined) await writeAll(side, Buffer.from(lines()))
      rows += count
      read(rows)
    }
    if (rows === 0) throw new LvmError('DATA_SHAPE', `${path}: expected rows but there are none`)
    const header = head(rows, dim, dtype)
    await out.write(header, 0, header.length, 0)
    return { rows, dim, sided: side !== undefined }
  } finally {
    for (const file of opened) await file.close()
  }
}
