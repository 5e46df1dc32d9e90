import type { RunManifest } from '../checkpoint/run-manifest.js'
import { rowsKey } from '../data/content-hash.js'
import { count } from '../show.js'

/** Data and split of a run's validation figures; figures with a different basis are not comparable. */
export interface Basis {
  readonly key: string
  readonly text: string
}

type Source = {
  readonly data: { readonly path: string; readonly hash: string; readonly content_hash?: string | null } | null
} & Pick<RunManifest, 'split'>

/** Returns the basis of a run's figures; undefined for a run without training data or split. */
export function basisOf(source: Source | null): Basis | undefined {
  const { data, split } = source ?? {}
  if (!data || !split) return undefined
  const { mode, seed, val } = split
  return {
    key: JSON.stringify([rowsKey(data), mode, seed, val]),
    text: `on ${data.path.split(/[\\/]/).at(-1)}, split by ${mode}, seed ${seed}, ${count(val)} validation windows`,
  }
}

/** Counts the different bases of runs. */
export const basesOf = (sources: readonly (Source | null)[]): number =>
  new Set(sources.flatMap((source) => basisOf(source)?.key ?? [])).size
