import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JudgedData } from '../data/content-hash.js'
import { asLvmError, LvmError } from '../errors.js'
import { lockRun } from '../files/lock.js'
import { sealedText, wholeDocument } from '../files/sealed.js'
import { replaceText } from '../files/write.js'
import type { Contexts } from '../spec/contexts.js'
import type { BatchLatency } from './latency.js'
import type { Metrics } from './metrics.js'
import type { TierName, Verdict } from './tiers.js'

/** Speed and memory of a run, with the hardware they were measured on. */
export interface Speed {
  readonly device: string
  readonly threads: number
  /** Time from opening the run to its first prediction. */
  readonly load_ms: number | null
  /** Vectors of a timed context: of the longest one that was evaluated. Absent in results of earlier versions. */
  readonly context?: number
  readonly batches: readonly BatchLatency[]
  /** Share of the processor time that the process was ready to use and got; null if unknown, absent in results of earlier versions. */
  readonly cpu_share?: number | null
  /** Peak memory of the process, data and baselines included. */
  readonly peak_memory_bytes: number
}

/** One of the runs that held out every article in turn. */
export interface HeldFold {
  readonly run: string
  readonly weights_sha256: string
  readonly best_epoch: number | null
  /** Articles and windows that it held out, and the mean cosine of those. */
  readonly articles: number
  readonly n: number
  readonly cosine: number
}
/** What choosing each best epoch by the judged rows, in place of inner articles, would have added; means over all windows. */
export interface SelectionGain {
  readonly measure: 'cosine' | 'top10'
  /** Figure of the epochs that inner articles chose, and of the best epochs by the judged rows. */
  readonly chosen: number
  readonly best: number
  readonly added: number
}
/** Folds of an entry whose rows are `folds`. */
export interface PooledFolds {
  readonly count: number
  readonly runs: readonly HeldFold[]
  /** Null for runs of earlier versions, whose histories do not have the figures. */
  readonly selection: SelectionGain | null
}

/** One run in validation_results.json. */
export interface RunEntry extends Omit<Metrics, 'skill'> {
  readonly run: string
  readonly model: string
  /** Part of the split that was evaluated: train, val, test or all; folds: the test parts of all folds. */
  readonly rows: string
  /** The folds, where the rows are `folds`; `run` then names all of them, and size and time are means. */
  readonly folds?: PooledFolds
  readonly split: { readonly mode: string; readonly leaky: boolean; readonly seed: number } | null
  /** Whether the best epoch was chosen on these rows. */
  readonly selected_on: boolean
  /** Share of these windows that were used for training; null when the data is not the training data. */
  readonly trained_on?: number | null
  /** Vectors of the shortest and the longest evaluated context. Absent in results of earlier versions. */
  readonly contexts?: Contexts
  readonly data: JudgedData
  readonly output: 'raw' | 'unit'
  readonly parameters: number
  /** SHA-256 of the weights file that was evaluated. */
  readonly weights_sha256: string
  readonly train_seconds: number | null
  readonly latency: Speed | null
  readonly size: { readonly weights_bytes: number; readonly file_bytes: number | null }
  /** Null, like `tiers`, when the evaluated windows include training windows. */
  readonly skill: Metrics['skill'] | null
  readonly tiers: Readonly<Record<TierName, Verdict>> | null
  readonly libtorch: string
}

/** A predictor that is no run in outside_results.json: its own code and cost are unknown. */
export interface OutsideEntry
  extends Omit<
    RunEntry,
    'model' | 'folds' | 'selected_on' | 'parameters' | 'weights_sha256' | 'train_seconds' | 'latency' | 'size'
  > {
  readonly kind: 'file' | 'function'
  /** File of the predictions; null for a function. */
  readonly predictions: { readonly path: string; readonly sha256: string } | null
  readonly folds?: undefined
  readonly selected_on: null
  readonly latency: null
}

/** One run in inference_benchmarks.json. */
export interface Benchmark extends Speed {
  readonly run: string
  readonly model: string
}

export interface Document<Entry> {
  readonly version: 1
  readonly runs: readonly Entry[]
}

export const VALIDATION_RESULTS = 'validation_results.json'
/** Predictors that are no runs, which have a file of their own. */
export const OUTSIDE_RESULTS = 'outside_results.json'
export const INFERENCE_BENCHMARKS = 'inference_benchmarks.json'

/** Reads the document of a folder; an empty one if it does not exist. Errors: DATA_FORMAT for another structure or a wrong digest. */
export async function readDocument<Entry>(
  folder: string,
  name: string,
  changed?: (path: string) => void,
): Promise<Document<Entry>> {
  const path = join(folder, name)
  try {
    const document = wholeDocument(path, await readFile(path, 'utf8'), changed) as unknown as Document<Entry>
    if (document.version === 1 && Array.isArray(document.runs)) return document
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, runs: [] }
    throw error
  }
  throw new LvmError('DATA_FORMAT', `${path}: expected {"version": 1, "runs": […]} but received something else`, {
    hint: 'move the file away; evaluate writes a new one',
  })
}

/** Waits for the lock, because two evaluations may end at the same time. */
async function waitForLock(folder: string) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await lockRun(folder)
    } catch (error) {
      if (asLvmError(error).code !== 'RUN_LOCKED' || attempt === 200) throw error
      await sleep(50)
    }
  }
}

/** Writes entries to a document: replaces entries of the same runs in place and keeps all others. Errors: DATA_FORMAT, RUN_LOCKED. */
export async function writeEntries<Entry extends { readonly run: string }>(
  folder: string,
  name: string,
  entries: readonly Entry[],
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const lock = await waitForLock(folder)
  try {
    const { runs } = await readDocument<Entry>(folder, name)
    const merged = new Map([...runs, ...entries].map((entry) => [entry.run, entry]))
    await replaceText(folder, name, sealedText({ version: 1, runs: [...merged.values()] }))
  } finally {
    await lock.release()
  }
}

/** Writes the results of runs to both documents of a folder. Errors: DATA_FORMAT, RUN_LOCKED. */
export async function writeReports(folder: string, entries: readonly RunEntry[]): Promise<void> {
  await writeEntries(folder, VALIDATION_RESULTS, entries)
  const measured = entries.flatMap(({ run, model, latency }): Benchmark[] =>
    latency === null ? [] : [{ run, model, ...latency }],
  )
  if (measured.length > 0) await writeEntries(folder, INFERENCE_BENCHMARKS, measured)
}
