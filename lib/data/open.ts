import { longDoor } from '../control.js'
import { oneOf, only, optional, word, yesOrNo } from '../door.js'
import { LvmError } from '../errors.js'
import { type ArrayFile, openArrays } from '../files/arrays.js'
import { elementName } from '../files/element.js'
import { type Limits, resolveLimits, someLimits } from '../files/limits.js'
import { isShardIndex } from '../files/shard-index.js'
import { aboutMemory } from '../sources/given-table.js'
import { isFromMemory } from '../sources/kept-base.js'
import { pathWith } from '../sources/source-path.js'
import { stage } from '../stages.js'
import { loadValues } from '../torch/load-array.js'
import type { Base, Part } from './base.js'
import { checkOrder, checkUniqueKeys, normsWarning } from './checks.js'
import { contentHash } from './content-hash.js'
import { encoderTag } from './encoder-tag.js'
import { type Data, someData } from './given-data.js'
import { type Layout, layoutOf, SHOWN, unreadArrays } from './keys.js'
import { type BaseFiles, baseFiles, readCard } from './locate.js'
import { type RowFacts, readRowFacts } from './row-facts.js'
import { checkShardArticles, hashOf, stampsOf } from './shards.js'
import { readSide, readTexts, readTextsOf, type Side } from './side-file.js'
import { agreedSpace } from './space.js'
import { loadVectors } from './vectors.js'

export interface OpenOptions {
  /** Array or column that holds the vectors, where the data has several. */
  readonly vectors?: string | undefined
  /** Column that holds the article of each row, where its name is not a usual one. */
  readonly articles?: string | undefined
  /** The encoder that made the vectors, when no card has it. */
  readonly space?: string | undefined
  /** Divide every vector by its length, in a float32 copy. */
  readonly normalize?: boolean | undefined
  /** The half to open of a file with training and validation sequences; the training half by default. */
  readonly part?: Part | undefined
  /** Accept rows that are zero, not finite, out of order or duplicated, as the audit does, which lists them. */
  readonly faulty?: boolean | undefined
  /** Lower limits for untrusted files than the defaults in SECURITY.md. */
  readonly limits?: Partial<Limits> | undefined
}

const factsOf = (side: Side | undefined): RowFacts => ({
  ...(side?.articles && { articles: side.articles }),
  ...(side?.positions && { positions: side.positions }),
})

function checkKeys(path: string, { kind }: Layout, { articles, positions }: RowFacts): void {
  if (articles === undefined) return
  if (kind === 'base') checkOrder(path, articles, positions)
  else if (positions !== undefined) checkUniqueKeys(path, articles, positions)
}

function crossingWarning(crossing: Uint8Array | undefined): string | undefined {
  const count = crossing?.reduce((sum, yes) => sum + yes, 0) ?? 0
  return count === 0 ? undefined : `${count} of ${crossing!.length} sequences begin in another article than their target`
}

function unreadWarning(file: ArrayFile): string | undefined {
  const arrays = unreadArrays(file)
  const more = arrays.length > SHOWN ? ` and ${arrays.length - SHOWN} more` : ''
  const shown = arrays.slice(0, SHOWN).map(({ name, type }) => `"${name}" (${elementName(type)})`)
  return arrays.length === 0 ? undefined : `not read, and not needed: ${shown.join(', ')}${more}`
}

async function textsOf(
  { texts, rows }: Layout,
  side: string | undefined,
  limits: Limits,
): Promise<readonly string[] | undefined> {
  if (texts === undefined) return side === undefined ? undefined : readTexts(side, limits)
  const values = await loadValues(texts)
  return values.length === rows && values.every((text) => typeof text === 'string') ? (values as string[]) : undefined
}

async function someTexts(
  layout: Layout,
  side: string | undefined,
  rows: ReadonlySet<number>,
  limits: Limits,
): Promise<ReadonlyMap<number, string> | undefined> {
  if (layout.texts === undefined) return side === undefined ? undefined : readTextsOf(side, rows, limits)
  const all = await textsOf(layout, side, limits)
  return all && new Map([...rows].flatMap((row) => (all[row] === undefined ? [] : [[row, all[row]] as const])))
}

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

type Stamps = readonly string[] | undefined
const inodeOf = (stamp: string | undefined) => stamp?.split(' ').slice(0, 2).join(' ')

/** Whether a file may have changed since it was opened. A mapped file whose path was replaced has not: the map keeps the old one. */
async function mayHaveChanged(path: string, opened: Stamps, mapped: boolean): Promise<boolean> {
  const now = await stampsOf(path)
  return now?.some((one, i) => (mapped ? inodeOf(one) === inodeOf(opened?.[i]) : one !== opened?.[i])) === true
}

const OPEN = {
  path: someData,
  options: only({
    vectors: optional(word),
    articles: optional(word),
    space: optional(word),
    normalize: optional(yesOrNo),
    part: optional(oneOf(['train', 'val'])),
    faulty: optional(yesOrNo),
    limits: optional(someLimits),
  }),
}

/**
 * Opens a base of vectors, or sequences that are already windows, and checks every row.
 *
 * Data may be a path, vectors in memory, or rows to iterate over. A path may omit the extension, or name a folder that `shardBase` wrote; a `.jsonl[.gz]` and a `.card.json` of the same name are read too. `faulty` skips the checks of rows.
 * Errors: FILE_MISSING, DATA_FORMAT, DATA_UNSAFE, DATA_SHAPE, DATA_ORDER, DATA_NOT_FINITE, DATA_ZERO, DATA_DUPLICATE_KEY, DATA_CHANGED, SPACE_MISMATCH, INTERRUPTED.
 */
export const openBase = longDoor('openBase', OPEN, (data: Data, options?: OpenOptions) =>
  stage('open the data', () => opened(data as string, options)),
)

async function opened(path: string, options: OpenOptions = {}): Promise<Base> {
  const limits = resolveLimits('openBase', options.limits)
  const { vectors, articles } = options
  const columns = { ...(vectors && { vectors }), ...(articles && { articles }) }
  const files = await baseFiles(vectors || articles ? pathWith(path, columns) : path, limits)
  try {
    return await openFiles(files, options, limits)
  } catch (error) {
    throw files.source === undefined && !isFromMemory(files.path) ? error : named(error, files)
  }
}

/** An error about kept vectors, with the name of the file or of the data in memory that they come from. */
function named(error: unknown, { path, vectors }: BaseFiles): unknown {
  if (!(error instanceof LvmError)) return error
  const { code, commandHint: hint, cause } = error
  const message = error.message.replaceAll(vectors, path)
  return isFromMemory(path) ? aboutMemory(error, message) : new LvmError(code, message, { hint, cause })
}

async function openFiles(files: BaseFiles, options: OpenOptions, limits: Limits): Promise<Base> {
  const card = files.card === undefined ? undefined : await readCard(files.card, limits)
  const space = agreedSpace(files.path, card, options.space)
  const stamps = await stampsOf(files.vectors)
  const file = await openArrays(files.vectors, limits)
  const layout = layoutOf(file, options.part, files.array)
  const sideFile = layout.kind === 'base' ? files.side : undefined
  const side =
    sideFile === undefined ? undefined : await stage('read the side file', () => readSide(sideFile, layout.rows, limits))
  const facts: RowFacts = { ...factsOf(side), ...(await readRowFacts(layout)) }
  if (isShardIndex(files.vectors) && facts.articles !== undefined) await checkShardArticles(files.vectors, facts.articles)
  const faulty = options.faulty === true
  if (!faulty) checkKeys(files.vectors, layout, facts)
  const normalized = options.normalize === true
  const hashed = sideFile === undefined ? [files.vectors] : [files.vectors, sideFile]
  const [hash, loaded] = await Promise.all([
    stage('hash', () => hashOf(hashed)),
    stage('check the rows', () => loadVectors(layout, facts, normalized, faulty)),
  ])
  const { vectors, targets, norms, mapped, count } = loaded
  const dispose = () => {
    vectors.dispose()
    targets?.dispose()
  }
  if (String(await stampsOf(files.vectors)) !== String(stamps)) {
    dispose()
    throw new LvmError('DATA_CHANGED', `${files.vectors}: expected the file to stay unchanged but it changed while it was read`)
  }
  const { kind, part, parts, rows, dim, context } = layout
  const warnings = [normsWarning(norms, count), crossingWarning(facts.crossing), unreadWarning(file)]
  return {
    path: files.path,
    kind,
    part,
    parts,
    rows,
    dim,
    dtype: vectors.dtype as Base['dtype'],
    vectors,
    ...(targets && { targets }),
    ...(context !== undefined && { context }),
    ...facts,
    ...(side && { titles: side.titles, categories: side.categories }),
    space,
    encoder: encoderTag(card?.encoder),
    card,
    hash,
    contentHash: once(() => stage('hash the content', () => contentHash({ kind, vectors, targets, ...facts }))),
    sideFile,
    mapped,
    normalized,
    norms,
    warnings: warnings.filter((warning) => warning !== undefined),
    texts: () => textsOf(layout, sideFile, limits),
    textsOf: (rows) => someTexts(layout, sideFile, new Set(rows), limits),
    changed: async () => (await mayHaveChanged(files.vectors, stamps, mapped)) && (await hashOf(hashed)) !== hash,
    dispose,
    [Symbol.dispose]: dispose,
  }
}
