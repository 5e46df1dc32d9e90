import type { RunEntry } from '../evaluate/results-file.js'
import { textHash } from '../files/hash.js'
import { type ReportedRun, speaksOf } from './reported-runs.js'
import { leastShare } from './timings.js'

/** An entry that pools folds, in validation_results.json or in retrieval_results.json. */
interface Pooled {
  readonly run: string
  readonly weights_sha256?: string
  readonly folds?: { readonly runs: readonly { readonly run: string }[] }
}

/** Runs of the folds of an entry; undefined when one of them is not in the report. */
export function foldsOf({ folds }: Pooled, root: string, runs: readonly ReportedRun[]): ReportedRun[] | undefined {
  const found = folds?.runs.flatMap((fold) => runs.find(({ run }) => speaksOf(fold.run, root, run)) ?? []) ?? []
  return found.length > 0 && found.length === folds?.runs.length ? found : undefined
}

/** Whether an entry is about other weights than those of the folds today. */
export const isStale = ({ weights_sha256 }: Pooled, folds: readonly ReportedRun[]): boolean =>
  weights_sha256 !== textHash(folds.map(({ lineage }) => lineage?.weights_sha256 ?? '').join('\n'))

/** Entries of validation_results.json that pool folds of these runs, with their weights of today; the folds by their names in the report. */
export const foldEntries = (entries: readonly RunEntry[], root: string, runs: readonly ReportedRun[]): RunEntry[] =>
  entries.flatMap((entry) => {
    const found = foldsOf(entry, root, runs)
    if (found === undefined || isStale(entry, found)) return []
    const named = entry.folds!.runs.map((fold, i) => ({ ...fold, run: found[i]!.run }))
    return [{ ...entry, folds: { ...entry.folds!, runs: named } }]
  })

/** The runs whose figures stand for a model: each run alone, and in place of folds all of them together. */
export function judgedRuns({ runs, folds = [] }: { runs: readonly ReportedRun[]; folds?: readonly RunEntry[] }): ReportedRun[] {
  const part = new Set(folds.flatMap((entry) => entry.folds!.runs.map(({ run }) => run)))
  const shareOf = (entry: RunEntry) =>
    leastShare(entry.folds!.runs.map((fold) => runs.find(({ run }) => run === fold.run)?.cpu_share))
  const pooled = folds.map((entry): ReportedRun => {
    const first = runs.find(({ run }) => run === entry.folds!.runs[0]!.run)!
    return {
      ...first,
      run: entry.run,
      best_epoch: null,
      history: [],
      steps: [],
      lr_test: null,
      cpu_share: shareOf(entry),
      validation: entry,
      ...pooledFigures(entry),
    }
  })
  return [...runs.filter(({ run }) => !part.has(run)), ...pooled]
}

/** Loss and cosine of pooled folds, with their sources. */
function pooledFigures(entry: RunEntry): Pick<ReportedRun, 'val_loss' | 'val_cosine' | 'tiers' | 'train_seconds'> {
  const [file, at] = ['validation_results.json', `runs[run=${entry.run}]`]
  const loss = entry.output === 'raw' ? 'mse_raw' : 'mse_unit'
  return {
    val_loss: { value: entry[loss]!, file, key: `${at}.${loss}` },
    val_cosine: { value: entry.cosine.mean, file, key: `${at}.cosine.mean` },
    tiers: entry.tiers,
    train_seconds: entry.train_seconds,
  }
}
