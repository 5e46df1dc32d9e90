import type { ReportedRun } from './runs.js'

/** What a run's validation figures rest on: figures of other data or another split cannot be compared with them. */
export interface Basis {
  readonly key: string
  readonly text: string
}

/** The basis of a run's figures; undefined where it was not trained here. */
export function basisOf({ lineage }: Pick<ReportedRun, 'lineage'>): Basis | undefined {
  const { data, split } = lineage ?? {}
  if (!data || !split) return undefined
  const { mode, seed, val } = split
  return {
    key: JSON.stringify([data.hash, mode, seed, val]),
    text: `on ${data.path.split(/[\\/]/).at(-1)}, split by ${mode}, seed ${seed}, ${val} validation windows`,
  }
}

/** How many bases some runs have. */
export const basesOf = (runs: readonly Pick<ReportedRun, 'lineage'>[]): number =>
  new Set(runs.flatMap((run) => basisOf(run)?.key ?? [])).size
