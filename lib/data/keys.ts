import { badOption, LvmError } from '../errors.js'
import type { ArrayFile, StoredArray } from '../files/arrays.js'
import { elements } from '../files/element.js'
import { damaged } from '../files/read-file.js'
import type { Part } from './base.js'

/** Names of the same array in different files; the first that exists is used. */
const KEYS = {
  contexts: ['context_sequences', 'contexts', 'context', 'X'],
  targets: ['target_vectors', 'targets', 'target', 'y'],
  vectors: ['vectors'],
  articles: ['article_ids', 'article_indices', 'batch_ids'],
  rowArticles: ['article_indices', 'article_ids', 'batch_ids'],
  positions: ['sequence_positions', 'target_indices'],
  rowPositions: ['chunk_indices', 'seq_idx', 'seq_in_article'],
  truth: ['truth_keys'],
  metadata: ['metadata'],
  texts: ['concept_texts'],
} as const

/** Number of arrays that an error lists. */
export const SHOWN = 10

/** Arrays whose element type is not supported. */
export const unreadArrays = ({ arrays }: ArrayFile): StoredArray[] =>
  [...arrays.values()].filter(({ type }) => type.kind === 'unread' || type.kind === 'complex')

/** The roles of the arrays of a file. */
export interface Layout {
  readonly kind: 'base' | 'sequences'
  readonly part: Part | undefined
  readonly parts: readonly Part[]
  readonly rows: number
  readonly dim: number
  readonly context?: number
  readonly vectors: StoredArray
  readonly targets?: StoredArray
  readonly articles: StoredArray | undefined
  readonly positions: StoredArray | undefined
  readonly truth: StoredArray | undefined
  readonly metadata: StoredArray | undefined
  readonly texts: StoredArray | undefined
}

const misfit = (path: string, sentence: string, hint?: string) =>
  new LvmError('DATA_SHAPE', `${path}: ${sentence}`, { ...(hint && { hint }) })
const shapeOf = ({ name, shape }: StoredArray) => `"${name}" [${shape.join(', ')}]`
/** Error for a required array whose element type is not supported. */
const unread = (path: string, { name, type }: StoredArray) =>
  type.name === 'record'
    ? damaged(
        path,
        `"${name}" is a record array, which is not supported`,
        undefined,
        'store each of its fields as an array of its own',
      )
    : damaged(
        path,
        `"${name}": its element type ${type.name} is not supported`,
        undefined,
        'store it as float32, as int64 or as text',
      )
const isVectors = ({ type }: StoredArray) => type.kind === 'float' || type.kind === 'bfloat'
const oneRow = (array: StoredArray) => elements(array.shape.slice(1))

function requireVectors(path: string, array: StoredArray, axes: number, expected: string): void {
  const { shape } = array
  if (array.type.kind === 'unread') throw unread(path, array)
  if (shape.length === axes && shape.includes(0))
    throw misfit(path, `expected ${expected} but ${shapeOf(array)} is empty`, 'write at least one vector into the file')
  if (shape.length !== axes) throw misfit(path, `expected ${expected} but received ${shapeOf(array)}`)
  if (!isVectors(array))
    throw misfit(
      path,
      `expected floating-point vectors in "${array.name}" but it holds ${array.type.kind}`,
      'store them as float32: in NumPy with vectors.astype("float32")',
    )
  if (elements(shape.slice(0, -1)) > 2 ** 31 - 1) throw misfit(path, `expected fewer than 2^31 vectors in ${shapeOf(array)}`)
}

/** Finds the role of each array by the names in KEYS; `chosen` names the array of vectors. Errors: DATA_SHAPE when arrays do not fit together. */
export function layoutOf(file: ArrayFile, wanted?: Part, chosen?: string): Layout {
  const { path, arrays } = file
  const first = (names: readonly string[], prefix = '') =>
    names.map((name) => arrays.get(prefix + name)).find((array) => array !== undefined)
  const parts = (['train', 'val'] as const).filter((part) => first(KEYS.contexts, `${part}_`))
  if (wanted !== undefined && !parts.includes(wanted))
    throw misfit(path, `expected sequences named "${wanted}_…" but there are none`)
  const part = wanted ?? (chosen !== undefined || first(KEYS.contexts) ? undefined : parts[0])
  const prefix = part === undefined ? '' : `${part}_`
  if (chosen !== undefined) return base(path, named(file, chosen))
  const contexts = first(KEYS.contexts, prefix)
  if (contexts !== undefined) return sequences(path, contexts, first(KEYS.targets, prefix))
  return base(path, first(KEYS.vectors) ?? only(file))

  function sequences(path: string, vectors: StoredArray, targets: StoredArray | undefined): Layout {
    if (targets === undefined)
      throw misfit(path, `expected targets ("${prefix}${KEYS.targets.join(`", "${prefix}`)}") beside "${vectors.name}"`)
    requireVectors(path, vectors, 3, 'contexts of shape [sequences, length, dim]')
    requireVectors(path, targets, 2, 'targets of shape [sequences, dim]')
    const [rows, context, dim] = vectors.shape as [number, number, number]
    if (targets.shape[0] !== rows || targets.shape[1] !== dim) {
      throw misfit(path, `expected targets of shape [${rows}, ${dim}] for ${shapeOf(vectors)} but received ${shapeOf(targets)}`)
    }
    return {
      kind: 'sequences',
      part,
      parts,
      rows,
      context,
      dim,
      vectors,
      targets,
      ...perRow(rows, KEYS.articles, KEYS.positions),
    }
  }
  function base(path: string, vectors: StoredArray): Layout {
    requireVectors(path, vectors, 2, 'vectors of shape [rows, dim]')
    const [rows, dim] = vectors.shape as [number, number]
    return { kind: 'base', part, parts, rows, dim, vectors, ...perRow(rows, KEYS.rowArticles, KEYS.rowPositions) }
  }
  function perRow(rows: number, articleNames: readonly string[], positionNames: readonly string[]) {
    const find = (names: readonly string[], width: number) => {
      const array = first(names, prefix) ?? first(names)
      if (array?.type.kind === 'unread') {
        if (array.name.endsWith('metadata') || names.includes('concept_texts')) return undefined // optional; a warning lists it
        throw unread(path, array)
      }
      if (array === undefined || (array.shape[0] === rows && oneRow(array) === width)) return array
      if (array.name === 'metadata') return undefined // it describes the file, not its rows
      throw misfit(path, `expected ${rows} rows${width > 1 ? ` of ${width}` : ''} but received ${shapeOf(array)}`)
    }
    return {
      articles: find(articleNames, 1),
      positions: find(positionNames, 1),
      truth: find(KEYS.truth, 2),
      metadata: find(KEYS.metadata, 1),
      texts: find(KEYS.texts, 1),
    }
  }
}

/** The array that a caller chose. Errors: BAD_OPTION. */
function named({ path, arrays }: ArrayFile, name: string): StoredArray {
  const found = arrays.get(name)
  if (found !== undefined) return found
  const matrices = [...arrays.values()].filter((array) => isVectors(array) && array.shape.length === 2)
  throw badOption(
    path,
    'vectors',
    `one of its arrays of vectors (${matrices.slice(0, SHOWN).map(shapeOf).join(', ') || 'it has none'})`,
    name,
  )
}

/** The only matrix of a file, whatever its name. */
function only({ path, arrays }: ArrayFile): StoredArray {
  const matrices = [...arrays.values()].filter((array) => isVectors(array) && array.shape.length === 2)
  const [matrix] = matrices
  const contextsOf =
    ({ shape }: StoredArray) =>
    (array: StoredArray) =>
      isVectors(array) && array.shape.length === 3 && array.shape[0] === shape[0] && array.shape[2] === shape[1]
  // A matrix beside contexts with an unknown name holds their targets: it is not a base.
  if (matrix && matrices.length === 1 && ![...arrays.values()].some(contextsOf(matrix))) return matrix
  const [single] = arrays.values()
  if (arrays.size === 1 && single?.type.kind === 'unread') throw unread(path, single)
  const held = [...arrays.values()].slice(0, SHOWN).map(shapeOf).join(', ')
  const more = arrays.size > SHOWN ? ` and ${arrays.size - SHOWN} more` : ''
  throw misfit(
    path,
    `expected "vectors" [rows, dim], or "contexts" and "targets", but it holds ${held || 'nothing'}${more}`,
    matrices.length > 1 ? `choose one of them with --vectors ${matrix!.name}` : undefined,
  )
}
