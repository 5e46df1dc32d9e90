import { badOption, LvmError } from '../errors.js'
import type { Contexts } from '../spec/contexts.js'
import type { Base } from './base.js'

/** Contexts and targets as row numbers, without copies of vectors. */
export interface Windows {
  /** Vectors of the longest context. */
  readonly context: number
  /** Vectors of each context; absent when all have `context`. */
  readonly length?: Int32Array
  readonly dim: number
  readonly count: number
  /** Row of the first context vector in `base.vectors`. */
  readonly first: Int32Array
  /** Row of the target in `base.targets`, or in `base.vectors` for a base without targets. */
  readonly target: Int32Array
  /** Article of the target, as an index of `base.articles.ids`; 0 without articles. */
  readonly article: Int32Array
  /** 1 where context and target lie in different articles; absent when no window can cross. */
  readonly crosses?: Uint8Array
}

/** What windows depend on. */
type Rows = Pick<Base, 'kind' | 'path' | 'rows' | 'dim'> & Partial<Pick<Base, 'context' | 'articles' | 'positions' | 'crossing'>>

/** How far back contexts reach: `context` vectors, or with `history` up to so many and at least `minHistory`. */
export interface Reach {
  readonly context: number
  readonly history?: number | 'article' | undefined
  readonly minHistory?: number | undefined
}

/** Vectors of the context of one window. */
export const lengthOf = ({ context, length }: Pick<Windows, 'context' | 'length'>, id: number): number => length?.[id] ?? context

/** Vectors of the shortest and the longest context of some windows. */
export function lengthsOf(windows: Pick<Windows, 'context' | 'length'>, ids: Int32Array): Contexts {
  let [shortest, longest] = [Infinity, 0]
  for (const id of ids) {
    shortest = Math.min(shortest, lengthOf(windows, id))
    longest = Math.max(longest, lengthOf(windows, id))
  }
  return { shortest, longest }
}

/** Row of the last context vector of one window. */
export const lastOf = (windows: Pick<Windows, 'context' | 'length' | 'first'>, id: number): number =>
  windows.first[id]! + lengthOf(windows, id) - 1

/** Rows of the context of one window. */
export const contextOf = (windows: Pick<Windows, 'context' | 'length' | 'first'>, id: number): Int32Array =>
  Int32Array.from({ length: lengthOf(windows, id) }, (_, t) => windows.first[id]! + t)

/** Sorted indices of the rows inside the contexts of the given windows. */
export function contextRows(
  ids: Int32Array,
  { first, ...windows }: Pick<Windows, 'first' | 'context' | 'length'>,
  rows: number,
): Int32Array {
  const change = new Int32Array(rows + 1) // contexts that begin minus contexts that end at each row
  for (const id of ids) {
    change[first[id]!]! += 1
    change[first[id]! + lengthOf(windows, id)]! -= 1
  }
  const held = new Int32Array(rows)
  let [count, inside] = [0, 0]
  for (let row = 0; row < rows; row++) {
    inside += change[row]!
    if (inside > 0) held[count++] = row
  }
  return held.subarray(0, count)
}

/** Vectors of the shortest context. */
export const shortestOf = ({ context, length }: Pick<Windows, 'context' | 'length'>): number =>
  length?.reduce((least, own) => Math.min(least, own), context) ?? context

function ofSequences(base: Rows, { least, most }: { least: number; most: number }): Windows {
  const stored = base.context!
  const context = Math.min(most, stored)
  if (least > stored) {
    const key = most > least ? 'minHistory' : 'context'
    throw badOption('windows', key, `at most the ${stored} vectors that each sequence of ${base.path} holds`, least)
  }
  return {
    context,
    dim: base.dim,
    count: base.rows,
    first: Int32Array.from({ length: base.rows }, (_, i) => i * stored + stored - context),
    target: Int32Array.from({ length: base.rows }, (_, i) => i),
    article: base.articles?.of ?? new Int32Array(base.rows),
    ...(base.crossing && { crosses: base.crossing }),
  }
}

/** Counts, for each row, the consecutive rows of its article that end with it. */
export function runLengths({ rows, articles, positions }: Pick<Rows, 'rows' | 'articles' | 'positions'>): Int32Array {
  const run = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    const follows =
      row > 0 &&
      (articles === undefined || articles.of[row] === articles.of[row - 1]) &&
      (positions === undefined || positions[row] === positions[row - 1]! + 1)
    run[row] = follows ? run[row - 1]! + 1 : 1
  }
  return run
}

/** Checks how far contexts reach. Errors: BAD_OPTION. */
function checkedReach({ context, history, minHistory = context }: Reach): { least: number; most: number } {
  const whole = (n: number) => Number.isSafeInteger(n) && n >= 1
  if (history === undefined) {
    if (!whole(context)) throw badOption('windows', 'context', 'an integer ≥ 1', context)
    return { least: context, most: context }
  }
  if (!whole(minHistory)) throw badOption('windows', 'minHistory', 'an integer ≥ 1', minHistory)
  if (history === 'article') return { least: minHistory, most: Infinity }
  if (!whole(history) || history < minHistory)
    throw badOption('windows', 'history', `article, or an integer of at least "minHistory" ${minHistory}`, history)
  return { least: minHistory, most: history }
}

/**
 * Lists all windows: consecutive vectors and the next one as target. Contexts have `context` vectors, or with `history` up to so many.
 *
 * A window stays inside one article and never spans a gap in its positions; with `cross` all rows are one text (the PRD's N − context).
 * Windows of a history have the same targets, in the same order, as windows of `minHistory` vectors.
 * Stored sequences keep their last vectors.
 * Errors: BAD_OPTION for a length that is not an integer ≥ 1 or is longer than the stored sequences.
 */
export function makeWindows(base: Rows, reach: number | Reach, { cross = false }: { cross?: boolean } = {}): Windows {
  const { least, most } = checkedReach(typeof reach === 'number' ? { context: reach } : reach)
  if (base.kind === 'sequences') return ofSequences(base, { least, most })
  const of = base.articles?.of ?? new Int32Array(base.rows)
  const run = cross ? undefined : runLengths(base)
  const before = (row: number) => (run === undefined ? row : run[row]! - 1)
  const target = new Int32Array(Math.max(0, base.rows - least))
  let count = 0
  for (let row = least; row < base.rows; row++) if (before(row) >= least) target[count++] = row
  const kept = target.slice(0, count)
  const length = kept.map((row) => Math.min(most, before(row)))
  const context = length.reduce((longest, own) => Math.max(longest, own), least)
  return {
    context,
    ...(length.some((own) => own !== context) && { length }),
    dim: base.dim,
    count,
    first: kept.map((row, i) => row - length[i]!),
    target: kept,
    article: kept.map((row) => of[row]!),
    ...(cross && { crosses: Uint8Array.from(kept, (row, i) => (of[row] === of[row - length[i]!] ? 0 : 1)) }),
  }
}

/** Batch size of inference: smaller for long contexts, so that memory stays constant. */
export const atOnce = (context: number): number => Math.max(1, Math.min(256, Math.floor(8192 / context)))

/** Checks that there is at least one full batch. Errors: DATA_TOO_FEW. */
export function requireWindows(count: number, batch: number, what = 'windows'): void {
  if (count < batch)
    throw new LvmError('DATA_TOO_FEW', `data: expected at least one batch of ${batch} ${what} but there are ${count}`)
}
