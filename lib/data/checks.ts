import { LvmError } from '../errors.js'
import { worded } from '../hints.js'
import type { Articles, Norms } from './base.js'

/** Faulty rows that an error lists. */
const SHOWN = 5
/** Largest deviation of a length from 1 without a warning; float16 rounding stays far below. */
const TOLERANCE = 0.01

function refuse(
  code: 'DATA_NOT_FINITE' | 'DATA_ZERO',
  path: string,
  what: string,
  rows: readonly string[],
  count: number,
): never {
  const more = count > rows.length ? ', …' : ''
  throw new LvmError(
    code,
    `${path}: ${count === 1 ? 'one vector is' : `${count} vectors are`} ${what}: ${rows.join(', ')}${more}`,
  )
}

/**
 * Returns statistics of the lengths of vectors and refuses faulty ones; `name(i)` describes the place of the i-th vector.
 *
 * `faulty`: vectors that are zero or not finite are accepted.
 * Errors: DATA_NOT_FINITE, DATA_ZERO.
 */
export function checkNorms(path: string, norms: Float64Array, name: (i: number) => string, faulty = false): Norms {
  const bad: string[] = []
  const zero: string[] = []
  let [badCount, zeroCount, deviating, sum, min, max] = [0, 0, 0, 0, Infinity, 0]
  norms.forEach((norm, i) => {
    if (!Number.isFinite(norm)) {
      if (++badCount <= SHOWN) bad.push(name(i))
      return
    }
    if (norm === 0) {
      if (++zeroCount <= SHOWN) zero.push(name(i))
    }
    if (Math.abs(norm - 1) > TOLERANCE) deviating++
    sum += norm
    min = Math.min(min, norm)
    max = Math.max(max, norm)
  })
  if (badCount > 0 && !faulty) refuse('DATA_NOT_FINITE', path, 'not finite (NaN or Inf)', bad, badCount)
  if (zeroCount > 0 && !faulty) refuse('DATA_ZERO', path, 'all zeros', zero, zeroCount)
  return { min, max, mean: sum / (norms.length - badCount), deviating }
}

/** Warning with the figures when some vectors do not have length 1. */
export function normsWarning({ min, max, mean, deviating }: Norms, count: number): string | undefined {
  if (deviating === 0) return undefined
  const [low, high, middle] = [min, max, mean].map((n) => n.toPrecision(4))
  return worded(
    `${deviating} of ${count} vectors are not of length 1 (from ${low} to ${high}, mean ${middle}); --normalize makes them so`,
  )
}

/** Pairs of rows with the same article and position. */
export function* repeatedKeys({ of }: Articles, positions: Int32Array): Generator<readonly [earlier: number, row: number]> {
  const seen = new Map<number, Map<number, number>>()
  for (const [row, article] of of.entries()) {
    const rows = seen.get(article) ?? new Map<number, number>()
    seen.set(article, rows)
    const position = positions[row]!
    const other = rows.get(position)
    if (other === undefined) rows.set(position, row)
    else yield [other, row]
  }
}

/** Checks that no two rows have the same article and position. Errors: DATA_DUPLICATE_KEY. */
export function checkUniqueKeys(path: string, articles: Articles, positions: Int32Array): void {
  const [first, ...more] = repeatedKeys(articles, positions)
  if (first === undefined) return
  const [other, row] = first
  const key = `position ${positions[row]} of article "${articles.ids[articles.of[row]!]}"`
  throw new LvmError(
    'DATA_DUPLICATE_KEY',
    `${path}: rows ${other} and ${row} are both ${key}${more.length > 0 ? `, and ${more.length} more rows repeat a key` : ''}`,
  )
}

/** Rows that continue an article after rows of others (`apart`), or whose position does not rise. */
export function* disorder({ ids, of }: Articles, positions: Int32Array | undefined): Generator<{ row: number; apart: boolean }> {
  const ended = new Uint8Array(ids.length)
  for (let row = 1; row < of.length; row++) {
    const [before, now] = [of[row - 1]!, of[row]!]
    const apart = now !== before && ended[now] === 1
    const backwards = now === before && positions !== undefined && positions[row]! <= positions[row - 1]!
    if (now !== before) ended[before] = 1
    if (apart || backwards) yield { row, apart }
  }
}

/** Checks that the rows of each article are together and in order. Errors: DATA_ORDER; DATA_DUPLICATE_KEY when two rows have the same key. */
export function checkOrder(path: string, articles: Articles, positions: Int32Array | undefined): void {
  for (const { row, apart } of disorder(articles, positions)) {
    if (positions !== undefined) checkUniqueKeys(path, articles, positions)
    const why = apart
      ? 'begins again after rows of other articles'
      : `goes back from position ${positions![row - 1]} to ${positions![row]}`
    const article = articles.ids[articles.of[row]!]
    throw new LvmError(
      'DATA_ORDER',
      `${path}: expected the rows of each article together and in order but article "${article}" ${why} at row ${row}`,
    )
  }
}
