import { listExcluded } from '../../evaluate/exclusions.js'
import type { Pool } from '../../evaluate/search.js'
import { NEAREST, ranks } from '../../evaluate/search.js'
import type { Ranking } from '../../rankings.js'

/** A row of the bank with its article and text. */
export interface Found {
  readonly row: number
  readonly article: string | null
  readonly text: string | null
}
/** A target outside the Top-20. */
export interface Failure extends Found {
  readonly rank: number
  /** The rows nearest to the prediction, the nearest first. */
  readonly neighbours: readonly (Found & {
    /** Cosine with the prediction; `cosine_to_target` with the target. */
    readonly cosine: number
    readonly cosine_to_target: number
    /** Whether the row belongs to the context of the prediction. */
    readonly context: boolean
  })[]
}

const NEIGHBOURS = 5
/** Longest text that is stored. Units: characters. */
const CHARACTERS = 500

/** Returns the windows whose targets are outside the Top-20, the worst first. */
export function missed(found: Ranking): number[] {
  const rank = ranks(found)
  const missed = [...rank.keys()].filter((i) => rank[i]! > NEAREST)
  return missed.sort((a, b) => rank[b]! - rank[a]! || a - b)
}

/** Describes failures, with texts if the bank has them. */
export async function describeFailures(
  found: Ranking,
  pool: Pick<Pool, 'base' | 'target' | 'excluded'>,
  windows: readonly number[],
): Promise<Failure[]> {
  const texts = windows.length === 0 ? undefined : await pool.base.texts()
  const { articles } = pool.base
  const rank = ranks(found)
  const at = (row: number): Found => ({
    row,
    article: articles?.ids[articles.of[row]!] ?? null,
    text: texts?.[row]?.slice(0, CHARACTERS) ?? null,
  })
  return windows.map((i) => {
    const context = new Set(listExcluded(pool.excluded, i, 1).excluded)
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
