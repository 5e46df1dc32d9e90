import { randomIndex } from '../statistics-random.js'
import { cosinesOf, isBad, type Table } from './table.js'

const PAIRS = 50_000
const TRIES = 20

/** Cosines of random pairs of rows, from different articles where there are several. */
export async function randomPairs(table: Table, articles: Int32Array | undefined, seed: number): Promise<Float64Array> {
  const { rows, lengths } = table
  const draw = randomIndex(seed)
  const several = articles?.some((article) => article !== articles[0]) === true
  const [a, b] = [new Int32Array(PAIRS), new Int32Array(PAIRS)]
  let kept = 0
  for (let tries = 0; kept < PAIRS && tries < TRIES * PAIRS; tries++) {
    const [i, j] = [draw(rows), draw(rows)]
    const apart = several ? articles[i] !== articles[j] : i !== j
    if (!apart || isBad(lengths[i]!) || isBad(lengths[j]!)) continue
    a[kept] = i
    b[kept++] = j
  }
  return cosinesOf(table, a.subarray(0, kept), table, b.subarray(0, kept))
}
