import { LvmError } from '../errors.js'

/** Vectors of consecutive rows, row-major; float16 as bit patterns in a Uint16Array. */
export interface Matrix {
  readonly dim: number
  readonly values: Float32Array | Float64Array | Uint16Array
}

/** Values of one column for consecutive rows; a column of vectors has a list of numbers for each, or all in one matrix. */
export type Values = Matrix | ArrayLike<unknown>

export interface Column {
  readonly name: string
  readonly kind: 'vectors' | 'value'
  /** Whether its vectors are stored as float16. */
  readonly half?: boolean
}

/** Rows with named columns, whatever holds them; every format has one adapter that makes it. */
export interface Table {
  /** Name of the source in messages. */
  readonly path: string
  readonly format: string
  readonly columns: readonly Column[]
  /** Reads the wanted columns, some rows at a time. Errors: DATA_FORMAT. */
  read(wanted: readonly string[]): AsyncIterable<ReadonlyMap<string, Values>>
}

export const isMatrix = (values: Values): values is Matrix => 'dim' in values

/** Number of rows in the values of a column. */
export const rowsIn = (values: Values): number => (isMatrix(values) ? values.values.length / values.dim : values.length)

/** Columns that a caller names; those left out are found by their usual names. */
export interface Selection {
  readonly vectors?: string
  readonly articles?: string
  readonly positions?: string
  readonly texts?: string
}
export const SELECTED = ['vectors', 'articles', 'positions', 'texts'] as const

/** The column of each fact about a row. */
export interface Roles {
  readonly vectors: Column
  readonly articles?: string
  readonly positions?: string
  readonly texts?: string
  readonly titles?: string
  readonly categories?: string
}

/** Usual names of columns, in lower case. */
const NAMES = {
  vectors: ['vectors', 'vector', 'embeddings', 'embedding', 'emb'],
  articles: [
    'article_id',
    'article_ids',
    'article',
    'articles',
    'article_index',
    'article_indices',
    'document_id',
    'doc_id',
    'document',
    'doc',
  ],
  positions: ['index', 'position', 'positions', 'chunk_index', 'chunk_indices', 'seq_idx', 'sentence_index'],
  texts: ['text', 'texts', 'sentence', 'sentences', 'content', 'chunk_text', 'concept_texts'],
  titles: ['title', 'titles'],
  categories: ['categories', 'category'],
} as const

/** Number of names that an error lists. */
const SHOWN = 20
const listed = (columns: readonly Column[]): string => {
  const names = columns.slice(0, SHOWN).map(({ name }) => `"${name}"`)
  return columns.length === 0 ? 'nothing' : `${names.join(', ')}${columns.length > SHOWN ? ' and more' : ''}`
}

function vectorsOf({ path, columns }: Table, wanted: string | undefined): Column {
  const all = columns.filter(({ kind }) => kind === 'vectors')
  if (wanted !== undefined) {
    const found = all.find(({ name }) => name === wanted)
    if (found !== undefined) return found
    throw new LvmError(
      'BAD_OPTION',
      `${path}: expected one of ${listed(all)}, which hold vectors, for "vectors" but received "${wanted}"`,
    )
  }
  const usual = all.filter(({ name }) => (NAMES.vectors as readonly string[]).includes(name.toLowerCase()))
  const [first, ...others] = all.length === 1 ? all : usual
  if (first !== undefined && others.length === 0) return first
  if (all.length > 0)
    throw new LvmError('BAD_OPTION', `${path}: expected one column of vectors but there are ${listed(all)}`, {
      hint: `choose one of them with --vectors ${all[0]!.name}`,
    })
  throw new LvmError('DATA_SHAPE', `${path}: expected a column of vectors (lists of numbers) but it holds ${listed(columns)}`, {
    hint: 'make vectors of texts with: lvm-torch data make FOLDER --encoder FOLDER --out FILE',
  })
}

/** Paths of HDF5 as its table names them. */
const withoutSlash = (selection: Selection): Selection =>
  Object.fromEntries(Object.entries(selection).map(([role, name]) => [role, (name as string).replace(/^\//, '')]))

/** Finds the column of each role: the one that is named, or else one with a usual name. Errors: BAD_OPTION, DATA_SHAPE. */
export function rolesOf(table: Table, given: Selection): Roles {
  const selection = table.format === 'hdf5' ? withoutSlash(given) : given
  const vectors = vectorsOf(table, selection.vectors)
  const group = table.format === 'hdf5' ? vectors.name.slice(0, vectors.name.lastIndexOf('/') + 1).toLowerCase() : ''
  const others = table.columns.filter(({ name }) => name !== vectors.name)
  const found: Record<string, string> = {}
  for (const role of ['articles', 'positions', 'texts', 'titles', 'categories'] as const) {
    const wanted = role === 'titles' || role === 'categories' ? undefined : selection[role]
    const usual = NAMES[role]
      .map((known) => others.find(({ name }) => name.toLowerCase() === group + known))
      .find((c) => c !== undefined)
    const column = wanted === undefined ? usual : others.find(({ name }) => name === wanted)
    if (wanted !== undefined && column === undefined)
      throw new LvmError('BAD_OPTION', `${table.path}: expected one of ${listed(others)} for "${role}" but received "${wanted}"`)
    if (column !== undefined) found[role] = column.name
  }
  return { vectors, ...found }
}
