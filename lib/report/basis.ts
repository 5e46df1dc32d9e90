import type { RunManifest } from '../checkpoint/run-manifest.js'
import { count } from '../show.js'

/** What a run's validation figures rest on: figures of other data or another split cannot be compared with them. */
export interface Basis {
  readonly key: string
  readonly text: string
}

type Source = { readonly data: { readonly path: string; readonly hash: string } | null } & Pick<RunManifest, 'split'>

/** The basis of figures by the data and the split of a run; undefined where it was not trained here. */
export function basisOf(source: Source | null): Basis | undefined {
  const { data, split } = source ?? {}
  if (!data || !split) return undefined
  const { mode, seed, val } = split
  return {
    key: JSON.stringify([data.hash, mode, seed, val]),
    text: `on ${data.path.split(/[\\/]/).at(-1)}, split by ${mode}, seed ${seed}, ${count(val)} validation windows`,
  }
}

/** How many bases there are. */
export const basesOf = (sources: readonly (Source | null)[]): number =>
  new Set(sources.flatMap((source) => basisOf(source)?.key ?? [])).size
