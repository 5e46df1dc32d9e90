import type { Rows } from '../baselines/baselines-rows.js'
import { lastOf, shortestOf } from '../data/windows.js'

/** Rows of a pool that windows leave out, as ranges: window i leaves out ranges `from[i]` … `from[i + 1])` of rows `begin` … `end)`. */
export interface Excluded {
  readonly from: Int32Array
  readonly begin: Int32Array
  readonly end: Int32Array
}

/** What a pool leaves out for each window: all that the model has seen, or the last `minHistory` vectors of it. */
export type Exclude = 'seen' | 'context'

/** Where the rows of a base are in a pool: in their order, with `before` counting those before a row, or anywhere, −1 for none. */
export type Places = { readonly before: (row: number) => number } | { readonly of: (row: number) => number }

type Range = readonly [begin: number, end: number]

/** Ranges of the pool that hold rows of a base; rows that follow one another in both make one range. */
function rangesIn(of: (row: number) => number, rows: number): (first: number, last: number) => Range[] {
  const runEnd = new Int32Array(rows)
  for (let row = rows - 1; row >= 0; row--) {
    const follows = row + 1 < rows && of(row) >= 0 && of(row + 1) === of(row) + 1
    runEnd[row] = follows ? runEnd[row + 1]! : row
  }
  return (first, last) => {
    const found: Range[] = []
    for (let row = first; row <= last; row = runEnd[row]! + 1)
      if (of(row) >= 0) found.push([of(row), of(row) + Math.min(last, runEnd[row]!) - row + 1])
    return found
  }
}

/** The rows of the ranges without `own`, each once: near-copies have one row in a pool. */
function withoutOwn(ranges: readonly Range[], own: number): Range[] {
  const left: Range[] = []
  let after = 0
  for (const [begin, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const from = Math.max(begin, after)
    after = Math.max(after, end)
    if (own >= from && own < end) left.push([from, own], [own + 1, end])
    else left.push([from, end])
  }
  return left
}

/** Builds the ranges of excluded rows; rows that are not in the pool and the target itself are never excluded. */
export function exclusions(
  { windows, ids }: Pick<Rows, 'windows' | 'ids'>,
  target: Int32Array,
  { exclude, places }: { readonly exclude: Exclude; readonly places: Places },
): Excluded {
  const least = shortestOf(windows)
  const rows = 1 + ids.reduce((most, id) => Math.max(most, lastOf(windows, id)), -1)
  const ranges: (first: number, last: number) => Range[] =
    'before' in places ? (first, last) => [[places.before(first), places.before(last + 1)]] : rangesIn(places.of, rows)
  const from = new Int32Array(target.length + 1)
  const [begin, end]: [number[], number[]] = [[], []]
  target.forEach((own, i) => {
    const last = lastOf(windows, ids[i]!)
    const first = exclude === 'seen' ? windows.first[ids[i]!]! : last + 1 - least
    for (const range of withoutOwn(ranges(first, last), own)) {
      if (range[0] >= range[1]) continue
      begin.push(range[0])
      end.push(range[1])
    }
    from[i + 1] = begin.length
  })
  return { from, begin: Int32Array.from(begin), end: Int32Array.from(end) }
}

/** Number of rows that some windows leave out, all together. */
export function countExcluded({ from, begin, end }: Excluded, at = 0, count = from.length - 1 - at): number {
  let sum = 0
  for (let range = from[at]!; range < from[at + count]!; range++) sum += end[range]! - begin[range]!
  return sum
}

/** Lists the rows that some windows leave out: of the i-th of these windows rows first[i] … first[i + 1]) of the list. */
export function listExcluded(all: Excluded, at: number, count: number): { first: Int32Array; excluded: Int32Array } {
  const first = new Int32Array(count + 1)
  const excluded = new Int32Array(countExcluded(all, at, count))
  let size = 0
  for (let i = 0; i < count; i++) {
    for (let range = all.from[at + i]!; range < all.from[at + i + 1]!; range++)
      for (let row = all.begin[range]!; row < all.end[range]!; row++) excluded[size++] = row
    first[i + 1] = size
  }
  return { first, excluded }
}

/** Ranges of rows, begin … end), that one window leaves out. */
export const listRanges = ({ from, begin, end }: Excluded, i: number): (readonly [begin: number, end: number])[] =>
  Array.from({ length: from[i + 1]! - from[i]! }, (_, j) => [begin[from[i]! + j]!, end[from[i]! + j]!] as const)
