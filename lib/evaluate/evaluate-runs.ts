import { join } from 'node:path'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { findRun } from '../checkpoint/run-folder.js'
import { atOnce } from '../data/windows.js'
import { asyncDoor, callback, optional, withFields, words } from '../door.js'
import { badOption } from '../errors.js'
import { cacheRoot } from '../libtorch/paths.js'
import { type Given, type Options, resolve } from '../options.js'
import { evaluateRun } from './evaluate.js'
import { evaluateFields } from './evaluate-fields.js'
import { type Document, type RunEntry, writeEntries, writeReports } from './results-file.js'
import { renderTable } from './results-table.js'
import { chooseRows, provenance, windowReader } from './subject.js'
import { SENTENCES, type SentencesEntry, sentencesOf } from './window-sentences.js'

/** Options of `evaluate`: the runs, a callback for progress, and any field of `evaluateFields`. */
export interface EvaluateRunsOptions extends Given<typeof evaluateFields> {
  /** Folders of runs, or their names below `artifacts/lvm/models`. */
  readonly runs: readonly string[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

interface Judged {
  readonly entry: RunEntry
  /** Undefined when the data has no sentences. */
  readonly sentences: SentencesEntry | undefined
}

async function judge(model: Model, o: Options<typeof evaluateFields>, say: (line: string) => void): Promise<Judged> {
  const { manifest } = model
  const chosen = await chooseRows(model, o)
  try {
    const { rows: part, split, selected_on: selectedOn, trained_on: trainedOn } = provenance(chosen)
    say(`${model.name}: ${chosen.ids.length.toLocaleString('en-US')} windows`)
    const subject = {
      run: model.name,
      model: manifest.model,
      handle: model.native,
      device: model.device,
      output: manifest.output,
      parameters: manifest.parameters,
      weights: model.weights,
      weightsBytes: manifest.weights_bytes,
      fileBytes: model.fileBytes,
      trainSeconds: manifest.train_seconds,
      loadMs: model.loadMs,
    }
    const rows = { base: chosen.base, windows: chosen.windows, ids: chosen.ids, part, split, selectedOn, trainedOn }
    const batch = atOnce(chosen.windows.context)
    let cosine = new Float64Array(0)
    const onCosines = (values: Float64Array) => {
      cosine = Float64Array.from(values)
    }
    const cache = join(cacheRoot(), 'baselines')
    const entry = await evaluateRun(subject, rows, { train: chosen.train, batch, cache, latency: o.latency, say, onCosines })
    return { entry, sentences: await sentencesOf(entry, { rows, cosine, predict: windowReader(model)(rows) }) }
  } finally {
    chosen.dispose()
  }
}

type Evaluated = { results: Document<RunEntry>; table: string }
const ARGS = { options: withFields({ runs: words, say: optional(callback) }) }

/**
 * Evaluates runs against the baselines and writes validation_results.json, inference_benchmarks.json, and sentences.json if
 * the data has sentences.
 *
 * Errors: those of load and of the data; DIVERGED when outputs are not finite.
 */
export const evaluate = asyncDoor('evaluate', ARGS, async (options: EvaluateRunsOptions): Promise<Evaluated> => {
  const { runs, say = () => {}, ...given } = options
  if (runs.length === 0) throw badOption('evaluate', 'runs', 'at least one run', runs)
  const o = resolve('evaluate', evaluateFields, given)
  for (const run of runs) await findRun(run) // check all of them before the first one takes minutes
  const entries: RunEntry[] = []
  const sentences: SentencesEntry[] = []
  for (const run of runs) {
    using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
    const { entry, sentences: described } = await judge(model, o, say)
    entries.push(entry)
    if (described !== undefined) sentences.push(described)
  }
  await writeReports(o.out, entries)
  if (sentences.length > 0) await writeEntries(o.out, SENTENCES, sentences)
  return { results: { version: 1, runs: entries }, table: renderTable(entries) }
})
