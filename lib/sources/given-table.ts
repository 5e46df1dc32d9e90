import { setImmediate } from 'node:timers/promises'
import { plainCopy } from '../door.js'
import { asLvmError, badOption, LvmError, shown } from '../errors.js'
import { unlessAborted } from '../stages.js'
import { realKept } from '../torch/dtypes.js'
import { Tensor } from '../torch/tensor.js'
import type { Column, Matrix, Table, Values } from './table.js'

/** Numbers of one vector. */
export type Vector = ArrayLike<number>

/** Vectors in memory, with facts about each. */
export interface GivenVectors {
  /** Row-major numbers of all vectors, a tensor [rows, dim], or a list with one vector for each row. */
  readonly vectors: Float32Array | Float64Array | Tensor | readonly Vector[]
  /** Numbers in a vector; needed for a typed array without articles, texts or positions. */
  readonly dim?: number
  /** Article of each row. */
  readonly articles?: ArrayLike<string | number | bigint>
  readonly texts?: ArrayLike<string>
  /** Position of each row in its article. */
  readonly positions?: ArrayLike<number>
  readonly titles?: ArrayLike<string>
  /** Encoder that made the vectors. */
  readonly space?: string
}

/** One row: its vector alone, or with facts. */
export type GivenRow =
  | Vector
  | {
      readonly vector: Vector
      readonly article?: string | number | bigint
      readonly position?: number
      readonly text?: string
      readonly title?: string
    }

/** Vectors that no file holds. */
export type GivenData = GivenVectors | Iterable<GivenRow> | AsyncIterable<GivenRow>

/** Rows that are read together. */
const TOGETHER = 1024
const FACTS = ['articles', 'positions', 'texts', 'titles'] as const
const KEYS = ['vectors', 'dim', 'space', ...FACTS]

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
const isIterable = (value: object): boolean => Symbol.asyncIterator in value || Symbol.iterator in value

/** Whether a value can be data: an object with vectors, or rows to iterate over. */
export const isGiven = (value: unknown): value is GivenData =>
  typeof value === 'object' &&
  value !== null &&
  !ArrayBuffer.isView(value) &&
  (isIterable(value) || plainCopy(value)?.vectors !== undefined)

/** Space of vectors in memory. */
export const spaceOf = (data: GivenData): string | undefined => (isIterable(data) ? undefined : (data as GivenVectors).space)

/** Rows and row length of vectors that are numbers one after the other. */
function sizeOf(owner: string, length: number, given: Record<string, unknown>): number {
  const fact = FACTS.map((key) => given[key]).find(isList)
  const dim = given.dim ?? (fact === undefined ? undefined : length / fact.length)
  if (Number.isSafeInteger(dim) && (dim as number) > 0 && length % (dim as number) === 0) return dim as number
  throw badOption(
    owner,
    'dim',
    `the numbers in a vector, a divisor of the ${length} in "vectors",`,
    dim,
    'say how long a vector is, with { vectors, dim }',
  )
}

async function matrixOf(
  owner: string,
  given: Record<string, unknown>,
): Promise<{ values: Matrix['values']; dim: number; half: boolean }> {
  const { vectors } = given
  if (!(vectors instanceof Tensor)) {
    const values = vectors as Float32Array | Float64Array
    return { values, dim: sizeOf(owner, values.length, given), half: false }
  }
  const { shape, dtype } = vectors
  if (shape.length !== 2 || shape.includes(0))
    throw badOption(owner, 'vectors', 'a tensor of shape [rows, dim]', `shape [${shape.join(', ')}]`)
  realKept(owner, dtype, 'float32')
  using wide = await vectors.to({ device: 'cpu', dtype: dtype === 'float16' ? 'float16' : 'float32' }).ready()
  return { values: (await wide.data()) as Float32Array | Uint16Array, dim: shape[1]!, half: dtype === 'float16' }
}

async function fromObject(owner: string, path: string, given: Record<string, unknown>): Promise<Table> {
  for (const key of Object.keys(given))
    if (!KEYS.includes(key)) throw badOption(owner, `data.${key}`, `a known key (${KEYS.join(', ')})`, given[key])
  const { vectors } = given
  const flat = vectors instanceof Tensor || vectors instanceof Float32Array || vectors instanceof Float64Array
  if (!flat && (!isList(vectors) || ArrayBuffer.isView(vectors))) {
    const hint = ArrayBuffer.isView(vectors) ? 'convert the numbers: Float32Array.from(vectors)' : undefined
    throw badOption(owner, 'data.vectors', 'a Float32Array, a Tensor or a list of vectors', vectors, hint)
  }
  const matrix = flat ? await matrixOf(owner, given) : undefined
  const rows = matrix ? matrix.values.length / matrix.dim : (vectors as ArrayLike<unknown>).length
  const facts = FACTS.filter((key) => given[key] !== undefined)
  for (const key of facts) {
    const list = given[key]
    if (!isList(list) || list.length !== rows)
      throw badOption(
        owner,
        `data.${key}`,
        `a list of ${rows}, one for each vector,`,
        isList(list) ? `${list.length} values` : list,
      )
  }
  const columns: Column[] = [
    { name: 'vectors', kind: 'vectors', ...(matrix?.half && { half: true }) },
    ...facts.map((key) => ({ name: key, kind: 'value' }) as const),
  ]
  const part = (list: ArrayLike<unknown>, at: number, end: number) => Array.from({ length: end - at }, (_, i) => list[at + i])
  async function* read(): AsyncGenerator<ReadonlyMap<string, Values>> {
    for (let at = 0; at < rows; at += TOGETHER) {
      const end = Math.min(rows, at + TOGETHER)
      const own: Values = matrix
        ? { dim: matrix.dim, values: matrix.values.subarray(at * matrix.dim, end * matrix.dim) }
        : part(vectors as ArrayLike<unknown>, at, end)
      await setImmediate()
      yield new Map<string, Values>([
        ['vectors', own],
        ...facts.map((key) => [key, part(given[key] as ArrayLike<unknown>, at, end)] as const),
      ])
    }
  }
  return { path, format: 'memory', columns, read }
}

const ROW = ['article', 'position', 'text', 'title'] as const

function fromRows(owner: string, path: string, rows: Iterable<unknown> | AsyncIterable<unknown>, first: unknown): Table {
  const bare = isList(first)
  const keys = bare ? [] : ROW.filter((key) => (first as Record<string, unknown>)[key] !== undefined)
  const columns: Column[] = [{ name: 'vectors', kind: 'vectors' }, ...keys.map((key) => ({ name: key, kind: 'value' }) as const)]
  const taken = (held: readonly unknown[]) =>
    new Map<string, Values>([
      ['vectors', held.map((row) => (bare ? row : (row as { vector: unknown }).vector))],
      ...keys.map((key) => [key, held.map((row) => (row as Record<string, unknown>)[key])] as const),
    ])
  const known: readonly string[] = ['vector', ...keys]
  function checkKey(key: string, one: object, row: number): void {
    const value = (one as Record<string, unknown>)[key]
    if (known.includes(key) || value === undefined) return
    const expected = (ROW as readonly string[]).includes(key)
      ? `"${key}" in every row or in none`
      : `a known key (vector, ${ROW.join(', ')})`
    throw badOption(owner, `data.${key}`, expected, `${shown(value)} in row ${row}`)
  }
  async function* read(): AsyncGenerator<ReadonlyMap<string, Values>> {
    let [held, row] = [[] as unknown[], 0]
    for await (const one of rows) {
      if (isList(one) !== bare || typeof one !== 'object' || one === null)
        throw badOption(
          owner,
          'data',
          `rows that are all ${bare ? 'vectors' : 'objects with a "vector"'}`,
          `${shown(one)} as row ${row}`,
        )
      if (!bare) for (const key of Object.keys(one)) checkKey(key, one, row)
      row++
      held.push(one)
      if (held.length < TOGETHER) continue
      yield taken(held)
      held = []
      await setImmediate()
    }
    if (held.length > 0) yield taken(held)
  }
  return { path, format: 'memory', columns, read }
}

/** An error that the caller's own rows threw, as one of ours. */
/** An error about vectors in memory, whose hint does not send the reader to a file. */
export function aboutMemory({ code, message, commandHint, cause }: LvmError, renamed = message): LvmError {
  const hint = commandHint.includes('data inspect FILE') ? 'correct the vectors or options that the message names' : commandHint
  return new LvmError(code, renamed, { hint, cause })
}
const ofCaller = (owner: string, cause: unknown): LvmError => {
  if (cause instanceof LvmError) return aboutMemory(cause)
  const threw = shown(asLvmError(cause).message)
  return new LvmError('BAD_OPTION', `${owner}: expected "data" that can be read to its end but it threw ${threw}`, { cause })
}

type Rows = AsyncIterator<unknown> | Iterator<unknown>
type Next = IteratorResult<unknown>

/** The next row; a signal ends the wait for it. Errors: INTERRUPTED. */
const nextOf = async (rows: Rows, signal: AbortSignal | undefined): Promise<Next> => {
  const next = rows.next()
  return next instanceof Promise ? unlessAborted(next as Promise<Next>, signal) : (next as Next)
}

/** Tells rows that no more of them are read; a generator that waits for something answers only after that, so a stopped one is not waited for. */
async function close(rows: Rows, signal: AbortSignal | undefined): Promise<void> {
  const closed = (async () => rows.return?.())()
  if (signal?.aborted) closed.catch(() => {})
  else await closed
}

/** Gives back the first item of an iterator before the others. Errors: BAD_OPTION when the iterator throws; INTERRUPTED. */
async function* restarted(owner: string, first: Next, rest: Rows, signal: AbortSignal | undefined): AsyncGenerator<unknown> {
  try {
    for (let next = first; next.done !== true; next = await nextOf(rest, signal)) yield next.value
  } catch (error) {
    throw ofCaller(owner, error)
  } finally {
    await close(rest, signal)
  }
}

/** Opens vectors in memory. Errors: BAD_OPTION for values that are not vectors; DATA_SHAPE without rows; INTERRUPTED. */
export async function givenTable(owner: string, data: GivenData, signal?: AbortSignal): Promise<Table> {
  try {
    return await opened(owner, 'the given data', data, signal)
  } catch (error) {
    throw ofCaller(owner, error)
  }
}

async function opened(owner: string, path: string, data: GivenData, signal: AbortSignal | undefined): Promise<Table> {
  if (!isIterable(data)) return fromObject(owner, path, { ...data })
  const rows = data as Partial<AsyncIterable<unknown> & Iterable<unknown>>
  const iterator = rows[Symbol.asyncIterator]?.() ?? rows[Symbol.iterator]!()
  const first = await nextOf(iterator, signal).catch(async (error) => {
    await close(iterator, signal)
    throw error
  })
  if (first.done === true) throw new LvmError('DATA_SHAPE', `${owner}: expected rows in "data" but there are none`)
  const row = first.value as unknown
  if (!isList(row) && !isList((plainCopy(row) as { vector?: unknown } | undefined)?.vector))
    throw badOption(owner, 'data', 'rows that are vectors, or objects with a "vector",', row)
  return fromRows(owner, path, restarted(owner, first, iterator, signal), row)
}
