import { rowsKey } from '../data/content-hash.js'
import { jsonHash } from '../files/hash.js'
import type { ReportedRun } from './reported-runs.js'

/** Runs with equal settings and data and different seeds. */
export interface SeedGroup {
  readonly model: string
  readonly runs: readonly string[]
  readonly seeds: readonly number[]
  readonly val_loss: Spread
  readonly val_cosine: Spread
}
export interface Spread {
  readonly mean: number
  /** Sample standard deviation. */
  readonly sd: number
}

function spread(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return { mean, sd: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)) }
}

/** Returns groups of two or more runs that differ only in their seed. */
export function seedGroups(runs: readonly ReportedRun[]): SeedGroup[] {
  const groups = new Map<string, ReportedRun[]>()
  for (const run of runs) {
    if (run.state !== 'complete' || run.lineage === null || run.val_loss === null || run.val_cosine === null) continue
    const { seed: _, ...settings } = run.config
    const key = jsonHash([run.model, run.lineage.data && rowsKey(run.lineage.data), settings])
    groups.set(key, [...(groups.get(key) ?? []), run])
  }
  return [...groups.values()].flatMap((group) => {
    const seeds = group.map(({ seed }) => seed!)
    if (new Set(seeds).size < 2) return []
    const values = (key: 'val_loss' | 'val_cosine') => spread(group.map((run) => run[key]!.value))
    return [
      {
        model: group[0]!.model!,
        runs: group.map(({ run }) => run),
        seeds,
        val_loss: values('val_loss'),
        val_cosine: values('val_cosine'),
      },
    ]
  })
}
