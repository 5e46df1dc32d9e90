import { extname } from 'node:path'
import { asLvmError, type ErrorCode, LvmError } from '../errors.js'
import { isMapped, openArrays, type StoredArray } from '../files/arrays.js'
import { dtypeOf, elementName } from '../files/element.js'
import { type Limits, resolveLimits } from '../files/limits.js'
import { keyText } from '../files/plain.js'
import { isTensorEntry, openPt } from '../files/pt.js'
import { fileSize } from '../files/read-file.js'
import { filesOfShards, isShardIndex, readShardIndex } from '../files/shard-index.js'
import { resolve } from '../options.js'
import { pathWith } from '../sources/source-path.js'
import type { Articles, Base, Card, Norms } from './base.js'
import { inspectFields } from './data-fields.js'
import { baseFiles } from './locate.js'
import { type OpenOptions, openBase } from './open.js'
import { makeWindows } from './windows.js'

interface InspectedArray {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly mapped: boolean
}
interface InspectedBase {
  readonly kind: Base['kind']
  readonly part: string | null
  readonly parts: readonly string[]
  readonly rows: number
  readonly dim: number
  readonly dtype: string
  readonly mapped: boolean
  /** Number of vectors in each sequence. */
  readonly context: number | null
  readonly space: string | null
  readonly card: Card | null
  readonly side_file: string | null
  readonly articles: {
    readonly count: number
    readonly smallest: number
    readonly median: number
    readonly largest: number
  } | null
  readonly windows: { readonly context: number; readonly count: number; readonly with_crossing: number }
  readonly norms: Norms
  readonly hash: string
  readonly content_hash: string
}
/** Result of `data inspect`; when the file holds no usable vectors, `base` is null and `error` holds the reason. */
export interface Inspection {
  readonly version: 1
  readonly path: string
  readonly format: string
  readonly bytes: number
  readonly arrays: readonly InspectedArray[]
  readonly base: InspectedBase | null
  readonly warnings: readonly string[]
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string } | null
}

/** The PRD's context length. */
const CONTEXT = 5

const arrayOf = (array: StoredArray): InspectedArray => ({
  name: array.name,
  dtype: dtypeOf(array.type) ?? elementName(array.type),
  shape: array.shape,
  mapped: isMapped(array) && array.type.kind !== 'object' && array.type.kind !== 'unread',
})

function sizes({ of, ids }: Articles) {
  const counts = new Int32Array(ids.length)
  for (const article of of) counts[article]!++
  counts.sort()
  const middle = (counts[(counts.length - 1) >> 1]! + counts[counts.length >> 1]!) / 2
  return { count: counts.length, smallest: counts[0]!, median: middle, largest: counts.at(-1)! }
}

async function baseOf(base: Base): Promise<InspectedBase> {
  const { kind, part, parts, rows, dim, dtype, mapped, space, card, sideFile, articles, norms, hash } = base
  const context = Math.min(CONTEXT, base.context ?? CONTEXT)
  return {
    kind,
    part: part ?? null,
    parts,
    rows,
    dim,
    dtype,
    mapped,
    context: base.context ?? null,
    space: space ?? null,
    card: card ?? null,
    side_file: sideFile ?? null,
    articles: articles === undefined ? null : sizes(articles),
    windows: {
      context,
      count: makeWindows(base, context).count,
      with_crossing: makeWindows(base, context, { cross: true }).count,
    },
    norms,
    hash,
    content_hash: await base.contentHash(),
  }
}

/** Tensors of a PyTorch file, named by their path of keys; lists and dicts that appear twice are listed once. */
function* tensorsIn(value: unknown, path: string, seen = new Set<unknown>()): Generator<InspectedArray> {
  if (isTensorEntry(value)) yield { name: path, dtype: value.dtype, shape: value.shape, mapped: false }
  else if ((value instanceof Map || Array.isArray(value)) && !seen.has(value)) {
    seen.add(value)
    for (const [key, item] of value.entries())
      yield* tensorsIn(item, path === '' ? keyText(key) : `${path}.${keyText(key)}`, seen)
  }
}

async function inspectPt(path: string, options: OpenOptions, limits: Limits): Promise<Inspection> {
  const { format, value, warnings } = await openPt(path, { limits })
  const arrays = [...tensorsIn(value, '')]
  const base = await openBase(path, options).catch(() => undefined) // a checkpoint holds no base, which is no fault
  try {
    const found = base === undefined ? null : await baseOf(base)
    const all = [...warnings, ...(base?.warnings ?? [])]
    return {
      version: 1,
      path,
      format: `pt (${format})`,
      bytes: await fileSize(path),
      arrays,
      base: found,
      warnings: all,
      error: null,
    }
  } finally {
    base?.dispose()
  }
}

/** Replaces a hint to run `data inspect`, because this is `data inspect`. */
function asFailure(thrown: unknown): LvmError {
  const error = asLvmError(thrown)
  if (!error.hint.includes('data inspect')) return error
  const hint = 'compare the file with its original, or write it again where it was made'
  return new LvmError(error.code, error.message, { hint, cause: error.cause })
}

/**
 * Lists the arrays of a file, and every reason for which training would refuse it or warn.
 *
 * Errors: BAD_OPTION; FILE_MISSING, DATA_FORMAT, DATA_UNSAFE when its arrays cannot be listed; later errors are in the result.
 */
export async function inspectData(path: string, given: OpenOptions = {}): Promise<Inspection> {
  const { limits, ...others } = given
  const options = { ...resolve('data inspect', inspectFields, { ...others }), limits } as OpenOptions
  try {
    return await inspectFile(path, options, resolveLimits('data inspect', limits))
  } catch (thrown) {
    throw asFailure(thrown)
  }
}

async function sizeOf(path: string, limits: Limits): Promise<number> {
  if (!isShardIndex(path)) return fileSize(path)
  return filesOfShards(await readShardIndex(path, limits)).reduce((sum, { bytes }) => sum + bytes, 0)
}

async function inspectFile(path: string, options: OpenOptions, limits: Limits): Promise<Inspection> {
  if (/\.(pt|pth|bin|ckpt)$/i.test(path)) return inspectPt(path, options, limits)
  const { vectors, articles } = options
  const named = pathWith(path, { ...(vectors && { vectors }), ...(articles && { articles }) })
  const files = await baseFiles(named, limits)
  const { format, arrays } = await openArrays(files.vectors, limits)
  const listed = {
    version: 1,
    path: files.path,
    format: files.source === undefined ? format : extname(files.source.file).slice(1).toLowerCase(),
    bytes: await sizeOf(files.source?.file ?? files.vectors, limits),
    arrays: [...arrays.values()].map(arrayOf),
  } as const
  let base: Base | undefined
  try {
    base = await openBase(path, options)
    return { ...listed, base: await baseOf(base), warnings: base.warnings, error: null }
  } catch (thrown) {
    const { code, message, commandHint: hint } = asFailure(thrown)
    return { ...listed, base: null, warnings: [], error: { code, message, hint } }
  } finally {
    base?.dispose()
  }
}
