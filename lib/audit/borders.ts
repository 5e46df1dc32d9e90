import type { Base } from '../data/base.js'
import { count } from '../show.js'
import { describe } from '../statistics/estimates.js'
import { cos, type Finding, finding } from './audit-findings.js'
import type { Lag } from './neighbour-pass.js'
import { cosinesOf, isBad, type Table } from './unit-table.js'

/** Largest shift of ids that is searched, in rows: of all articles together, and of a part of them. */
const [FARTHEST, NEAREST] = [20_000, 64]
/** Minimum number of borders, and standard errors by which another position must be better: many positions are searched. */
const [FEWEST, SIGNIFICANT] = [8, 7]
/** Maximum number of borders in the search over large shifts. */
const MOST = 512

/** Cosine of each row with the previous one; NaN for the first row and after a gap. */
async function steps(table: Table, near: Lag, borders: readonly number[]): Promise<Float64Array> {
  const all = new Float64Array(table.rows).fill(Number.NaN)
  for (const [i, row] of near.rows.entries()) all[row + 1] = near.cosines[i]!
  const known = borders.filter((row) => !isBad(table.lengths[row]!) && !isBad(table.lengths[row - 1]!))
  const cosines = await cosinesOf(
    table,
    Int32Array.from(known, (row) => row - 1),
    table,
    Int32Array.from(known),
  )
  for (const [i, row] of known.entries()) all[row] = cosines[i]!
  return all
}

interface Place {
  readonly shift: number
  readonly mean: number
  readonly se: number
}

function meanAt(all: Float64Array, borders: readonly number[], shift: number, wrap: boolean): Place | undefined {
  const values: number[] = []
  for (const row of borders) {
    const at = wrap ? (row + shift + all.length) % all.length : row + shift
    if (at >= 0 && at < all.length && !Number.isNaN(all[at]!)) values.push(all[at]!)
  }
  if (values.length < Math.max(FEWEST, borders.length / 2)) return undefined
  const { mean, sd } = describe(Float64Array.from(values))
  return { shift, mean, se: sd / Math.sqrt(values.length) }
}

/** Returns the shift of the borders, up to `farthest` rows, at which adjacent rows are least similar. */
function leastAlike(all: Float64Array, borders: readonly number[], farthest: number, wrap: boolean): Place | undefined {
  let least: Place | undefined
  for (let shift = -farthest; shift <= farthest; shift++) {
    if (shift === 0) continue
    const place = meanAt(all, borders, shift, wrap)
    if (place !== undefined && (least === undefined || place.mean < least.mean)) least = place
  }
  return least
}

const rows = (shift: number) =>
  `${count(Math.abs(shift))} ${Math.abs(shift) === 1 ? 'row' : 'rows'} ${shift < 0 ? 'earlier' : 'later'}`

/**
 * Checks that article borders lie where the text changes: two rows across a border are less similar than adjacent rows inside articles.
 *
 * Fails when adjacent rows are significantly least similar at one fixed distance from the borders of all articles, or of those articles
 * whose borders show no change. Source: own.
 */
export async function borderFinding(base: Base, table: Table, near: Lag | undefined, floor: number): Promise<Finding> {
  const { articles } = base
  const borders: number[] = []
  for (let row = 1; row < base.rows; row++)
    if (articles !== undefined && articles.of[row] !== articles.of[row - 1]) borders.push(row)
  if (near === undefined || near.rows.length === 0 || borders.length < FEWEST)
    return finding('BORDERS', 'PASS', 'too few borders between articles to check whether the text changes there')
  const all = await steps(table, near, borders)
  const inside = describe(near.cosines).mean
  const here = meanAt(all, borders, 0, false)
  const middle = (floor + inside) / 2
  if (here === undefined || inside - floor < SIGNIFICANT * here.se)
    return finding('BORDERS', 'PASS', 'adjacent rows are too dissimilar to check whether the text changes between articles')
  const high = borders.filter((row) => all[row]! > middle)
  const figures = { border: here.mean, inside, random_pairs: floor, borders: borders.length, alike: high.length }
  const summary = `across borders ${cos(here.mean)}, inside articles ${cos(inside)}, random pairs ${cos(floor)}`
  const changes = (place: Place | undefined): place is Place =>
    place !== undefined && place.mean < middle && inside - place.mean > SIGNIFICANT * place.se
  const together =
    here.mean > middle ? leastAlike(all, borders.slice(0, MOST), Math.min(FARTHEST, base.rows >> 1), true) : undefined
  const fails = (place: Place) =>
    finding(
      'BORDERS',
      'FAIL',
      `${count(high.length)} of ${count(borders.length)} article borders lie where the text continues, and it changes ${rows(place.shift)} (${cos(place.mean)}): ids and vectors do not match (${summary})`,
      { ...figures, shift: place.shift },
      high,
    )
  if (changes(together)) return fails(together)
  const partial = high.length >= FEWEST ? leastAlike(all, high, NEAREST, false) : undefined
  const low = borders.filter((row) => all[row]! <= middle)
  const elsewhere = partial && meanAt(all, low, partial.shift, false)
  // Every article may change at that distance, such as after its title; that is not a border.
  if (changes(partial) && (elsewhere === undefined || elsewhere.mean - partial.mean > (inside - floor) / 4)) return fails(partial)
  if (here.mean - 2 * here.se > middle)
    return finding('BORDERS', 'WARN', `the text does not change at article borders: ${summary}`, figures, high)
  return finding('BORDERS', 'PASS', `the text changes at article borders: ${summary}`, figures)
}
