import { existsSync } from 'node:fs'
import type { Base } from '../../data/base.js'
import { openBase } from '../../data/open.js'
import { badOption, LvmError } from '../../errors.js'
import { openArrays } from '../../files/arrays.js'
import { readJsonObject } from '../../files/json.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import type { Options } from '../../options.js'
import { Tensor } from '../../torch/tensor.js'
import type { decodeFields } from './decode-fields.js'
import type { Source, Truth } from './decode-source.js'

/** The .json file that `predict` writes beside its vectors, as far as it is read here. */
interface Index {
  readonly run: string
  readonly model: string
  readonly part: string
  readonly trained_on: number | null
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly context: number | null
  /** Vectors of each context, where they differ. */
  readonly lengths?: readonly number[] | null
  readonly rows: readonly number[]
  readonly articles: readonly (string | null)[]
}

const isIndex = (value: Record<string, unknown>, rows: number): boolean =>
  Array.isArray(value.rows) && value.rows.length === rows && Array.isArray(value.articles) && typeof value.data === 'object'

/** Reads the index beside a file of predictions; undefined when there is none for these vectors. */
async function readIndex(vectors: string, rows: number): Promise<Index | undefined> {
  const path = vectors.replace(/\.npy$/i, '.json')
  if (path === vectors || !existsSync(path)) return undefined
  const value = await readJsonObject(path, DEFAULT_LIMITS)
  return isIndex(value, rows) ? (value as unknown as Index) : undefined
}

/** Number of columns of a file that holds a matrix without rows; undefined for any other file. */
async function emptyDim(path: string): Promise<number | undefined> {
  if (!/\.npy$/i.test(path) || !existsSync(path)) return undefined
  const [array] = (await openArrays(path, DEFAULT_LIMITS)).arrays.values()
  return array?.shape.length === 2 && array.shape[0] === 0 ? array.shape[1] : undefined
}

/** Opens the data that an index names, if it is still there. Errors: DATA_CHANGED. */
async function openIndexed(index: Index): Promise<Base | undefined> {
  if (!existsSync(index.data.path)) return undefined
  const base = await openBase(index.data.path, { space: index.data.space ?? undefined })
  if (base.hash === index.data.hash) return base
  base.dispose()
  throw new LvmError('DATA_CHANGED', `${index.data.path}: expected the data of the predictions but it has changed since`, {
    hint: 'predict again, or move the .json beside the vectors away',
  })
}

function truthOf(vectors: Base, index: Index | undefined, data: Base | undefined): Truth | undefined {
  if (index === undefined) {
    if (vectors.sideFile === undefined) return undefined
    const rows = Int32Array.from({ length: vectors.rows }, (_, i) => i)
    return { base: vectors, rows, context: null, first: () => 0 }
  }
  if (data === undefined) return undefined
  const { context, lengths } = index
  const rows = Int32Array.from(index.rows)
  const fits = data.kind === 'base' && rows.every((row) => row < data.rows)
  const known = context === null ? (lengths ?? null) : rows.map(() => context)
  if (!fits || known === null) return { base: data, rows, context: null, first: (i) => rows[i]! }
  return { base: data, rows, context: (i) => known[i]!, first: (i) => rows[i]! - known[i]! }
}

const none = (path: string, dim: number): Source => ({
  of: { path, hash: undefined, space: undefined, dim },
  head: { run: null, model: null, weights_sha256: null, vectors: path, part: null, trained_on: null, of: 0, chosen: 'all rows' },
  rows: new Int32Array(0),
  article: () => null,
  titles: undefined,
  truth: undefined,
  bank: undefined,
  vectors: async () => Tensor.from(new Float32Array(0), [0, dim]),
  dispose() {},
})

const RUN_ONLY = ['data', 'rows', 'normalize', 'device', 'threads'] as const

/** Errors: BAD_OPTION for options that only a run has. */
function refuseRunOptions(given: Readonly<Record<string, unknown>>, path: string): void {
  const key = RUN_ONLY.find((name) => given[name] !== undefined)
  if (key !== undefined)
    throw badOption('decode', key, `nothing, because ${path} is a file of vectors and not a run,`, given[key])
}

/** Opens a file of vectors, with the index that `predict` wrote beside it. Errors: those of openBase; BAD_OPTION for sequences. */
export async function openFileVectors(
  path: string,
  o: Options<typeof decodeFields>,
  given: Readonly<Record<string, unknown>>,
): Promise<Source> {
  refuseRunOptions(given, path)
  const dim = await emptyDim(path)
  if (dim !== undefined) return none(path, dim)
  const base = await openBase(path, { space: o.space })
  const opened = [base]
  try {
    if (base.kind !== 'base') throw badOption('decode', 'vectors', 'a matrix of vectors, not sequences,', path)
    const index = await readIndex(base.path, base.rows)
    const data = index && (await openIndexed(index))
    if (data !== undefined) opened.push(data)
    const truth = truthOf(base, index, data)
    const count = Math.min(base.rows, o.limit ?? base.rows)
    return {
      of: {
        path: base.path,
        hash: index?.data.hash ?? base.hash,
        space: base.space ?? index?.data.space ?? undefined,
        encoder: base.encoder ?? data?.encoder,
        dim: base.dim,
      },
      head: {
        run: index?.run ?? null,
        model: index?.model ?? null,
        weights_sha256: null,
        vectors: base.path,
        part: index?.part ?? null,
        trained_on: index?.trained_on ?? null,
        of: base.rows,
        chosen: count < base.rows ? `the first ${count} rows` : 'all rows',
      },
      rows: Int32Array.from({ length: count }, (_, i) => i),
      article: (i) => index?.articles[i] ?? (index ? null : (base.articles?.ids[base.articles.of[i]!] ?? null)),
      titles: (data ?? base).titles,
      truth,
      bank: data ?? index?.data.path,
      vectors: (at, n) => base.vectors.op('aten::narrow', 0, at, n),
      dispose() {
        for (const one of opened) one.dispose()
      },
    }
  } catch (error) {
    for (const one of opened) one.dispose()
    throw error
  }
}
