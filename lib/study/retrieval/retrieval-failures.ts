import type { Ranking } from '../../native.js'
import type { Pool } from './search.js'
import { NEAREST, ranks } from './search.js'

/** A row of the bank, and what it says. */
export interface Found {
  readonly row: number
  readonly article: string | null
  readonly text: string | null
}
/** A target that is not among the first twenty. */
export interface Failure extends Found {
  readonly rank: number
  /** What was found instead, the nearest first. */
  readonly neighbours: readonly (Found & {
    /** With the prediction, and with the target. */
    readonly cosine: number
    readonly cosine_to_target: number
    /** Whether it is one of the vectors that the prediction was made from. */
    readonly context: boolean
  })[]
}

const NEIGHBOURS = 5
/** Of a text, enough to recognise it. */
const CHARACTERS = 500

/** The windows whose targets are not among the first twenty, the worst first. */
export function missed(found: Ranking): number[] {
  const rank = ranks(found)
  const missed = [...rank.keys()].filter((i) => rank[i]! > NEAREST)
  return missed.sort((a, b) => rank[b]! - rank[a]! || a - b)
}

/** The worst of them, with their texts where these are known. */
export async function describeFailures(found: Ranking, pool: Pool, windows: readonly number[]): Promise<Failure[]> {
  const texts = windows.length === 0 ? undefined : await pool.base.texts()
  const { articles } = pool.base
  const rank = ranks(found)
  const at = (row: number): Found => ({
    row,
    article: articles?.ids[articles.of[row]!] ?? null,
    text: texts?.[row]?.slice(0, CHARACTERS) ?? null,
  })
  return windows.map((i) => {
    const context = new Set(pool.excluded.subarray(pool.first[i]!, pool.first[i + 1]!))
    const neighbours = Array.from({ length: NEIGHBOURS }, (_, j) => i * NEAREST + j).filter((j) => found.rows[j]! >= 0)
    return {
      ...at(pool.target[i]!),
      rank: rank[i]!,
      neighbours: neighbours.map((j) => ({
        ...at(found.rows[j]!),
        cosine: found.cosines[j]!,
        cosine_to_target: found.toTarget[j]!,
        context: context.has(found.rows[j]!),
      })),
    }
  })
}
