import { baselinesCache } from '../baselines/kept-fits.js'
import { keptPredictions, sharedPredictions } from '../baselines/kept-predictions.js'
import { findFolds } from '../checkpoint/fold-runs.js'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { findRun } from '../checkpoint/run-folder.js'
import { longDoor } from '../control.js'
import { mainData, type WithData } from '../data/given-data.js'
import { callback, optional, withFields } from '../door.js'
import { badOption } from '../errors.js'
import { type Given, type Options, resolve } from '../options.js'
import { share } from '../ranks/shared-work.js'
import { count, decimal } from '../show.js'
import { rounds, stage } from '../stages.js'
import { requireTexts } from '../text/decode/sentence-bank.js'
import { type Generator, openGenerator, refuseGenerated, requireDecoder } from '../text/decode/sentence-generator.js'
import { evaluateRun, subjectOf } from './evaluate.js'
import { evaluateFields, requireOwnRows } from './evaluate-fields.js'
import { evaluateFolds } from './evaluate-folds.js'
import { evaluateOutsider } from './outside/evaluate-outsider.js'
import { openOutsider } from './outside/open-outsider.js'
import { type Outsider, onlyRuns, predictors } from './outside/outsider.js'
import { sharedWindows } from './ranks/rank-helper.js'
import { withRanks } from './ranks/with-ranks.js'
import { type Document, OUTSIDE_RESULTS, type OutsideEntry, type RunEntry, writeEntries, writeReports } from './results-file.js'
import { renderTable } from './results-table.js'
import { type Chosen, chooseRows, judgedRows, windowReader } from './subject.js'
import { SENTENCES, type SentencesEntry, sentencesOf } from './window-sentences.js'

/** Options of `evaluate`: the runs, a callback for progress, and any field of `evaluateFields`. */
export interface EvaluateRunsOptions extends WithData<Given<typeof evaluateFields>> {
  /**
   * Folders of runs, or their names below `artifacts/lvm/models`; files of predictions (`NAME=FILE.npy`), and functions. The latter
   * are judged on the windows of the first run, or without one on those that they name.
   */
  readonly runs: readonly (string | Outsider)[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

interface Judged {
  readonly entry: RunEntry
  /** Undefined when the data has no sentences. */
  readonly sentences: SentencesEntry | undefined
}

type Asked = Options<typeof evaluateFields>
type Say = (line: string) => void

/** Opens the decoder of generated sentences for the data of a run. Errors: TEXT_MISSING; those of openGenerator. */
async function openDecoder({ manifest, name }: Model, { base }: Chosen, o: Asked, say: Say): Promise<Generator | undefined> {
  const { decoder } = o
  if (decoder === undefined) return undefined
  await requireTexts(base, 'decoder')
  say(`${name}: opening the decoder ${decoder}`)
  return openGenerator(
    { ...o, decoder },
    {
      space: base.space ?? manifest.data?.space ?? manifest.space ?? undefined,
      texts: () => base.texts(),
      onStep: ({ step, steps, going, cosine }) =>
        say(`${name}: correction ${step} of ${steps}: mean cosine ${decimal(cosine)}, ${count(going)} go on`),
    },
  )
}

async function judge(model: Model, o: Asked, say: Say): Promise<Judged> {
  const chosen = await chooseRows(model, o)
  let generator: Generator | undefined
  try {
    generator = await openDecoder(model, chosen, o, say)
    say(`${model.name}: ${chosen.ids.length.toLocaleString('en-US')} windows`)
    const { rows, train, batch } = judgedRows(chosen)
    share(rows.ids, sharedWindows(model, rows, o.rows))
    let cosine = new Float64Array(0)
    const onCosines = (values: Float64Array) => {
      cosine = Float64Array.from(values)
    }
    const entry = await evaluateRun(subjectOf(model), rows, {
      train,
      batch,
      predictions: () => keptPredictions(model, rows),
      blocks: sharedPredictions(model, rows),
      cache: baselinesCache(),
      latency: o.latency,
      say,
      onCosines,
    })
    return {
      entry,
      sentences: await stage('sentences', () =>
        sentencesOf(entry, { rows, cosine, predict: windowReader(model)(rows), generator }),
      ),
    }
  } finally {
    generator?.dispose()
    chosen.dispose()
  }
}

/** Evaluates a predictor that is no run on the windows of the run `beside`. */
async function judgeOutsider(outsider: Outsider, beside: string | undefined, o: Asked, say: Say): Promise<OutsideEntry> {
  const opened = await openOutsider(outsider, beside, o)
  try {
    say(`${opened.name}: ${count(opened.chosen.ids.length)} windows${beside === undefined ? '' : ` of ${beside}`}`)
    const { rows, train, batch } = judgedRows(opened.chosen)
    return await evaluateOutsider(opened, rows, { train, batch, cache: baselinesCache(), say })
  } finally {
    opened.dispose()
  }
}

/** Pooled entries of the folds of each name. */
async function poolFolds(names: readonly string[], o: Asked, say: Say): Promise<RunEntry[]> {
  requireOwnRows('evaluate', o)
  if (o.decoder !== undefined)
    throw badOption('evaluate', 'decoder', 'no value with "folds", which have no common prediction,', o.decoder, 'leave it out')
  const sets = []
  for (const name of names) sets.push(...(await findFolds('evaluate', name))) // before the first one takes minutes
  const entries: RunEntry[] = []
  for (const set of rounds(sets, ({ name }) => name))
    entries.push(await evaluateFolds(set, o, { cache: baselinesCache(), latency: 0, say }))
  return entries
}

/** What `evaluate` finds about all predictors. */
interface Found {
  readonly entries: RunEntry[]
  readonly outside: OutsideEntry[]
  readonly sentences: SentencesEntry[]
}

async function judgeAll(all: readonly (string | Outsider)[], o: Asked, say: Say): Promise<Found> {
  if (o.folds) return { entries: await poolFolds(onlyRuns('evaluate', 'folds', all), o, say), outside: [], sentences: [] }
  const runs = o.decoder === undefined ? all.filter((one) => typeof one === 'string') : onlyRuns('evaluate', 'decoder', all)
  for (const run of runs) await findRun(run) // check all of them before the first one takes minutes
  const outside: OutsideEntry[] = []
  for (const one of all) if (typeof one !== 'string') outside.push(await judgeOutsider(one, runs[0], o, say))
  const entries: RunEntry[] = []
  const sentences: SentencesEntry[] = []
  for (const run of rounds(runs)) {
    using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
    const { entry, sentences: described } = await judge(model, o, say)
    entries.push(entry)
    if (described !== undefined) sentences.push(described)
  }
  return { entries, outside, sentences }
}

async function write(out: string, { entries, outside, sentences }: Found): Promise<void> {
  if (entries.length > 0) await stage('write', () => writeReports(out, entries))
  if (outside.length > 0) await stage('write', () => writeEntries(out, OUTSIDE_RESULTS, outside))
  if (sentences.length > 0) await writeEntries(out, SENTENCES, sentences)
}

type Evaluated = { results: Document<RunEntry>; outside?: Document<OutsideEntry>; table: string }
const ARGS = { options: withFields({ runs: predictors, data: optional(mainData), say: optional(callback) }) }

/**
 * Evaluates runs against the baselines and writes validation_results.json, inference_benchmarks.json, and sentences.json if
 * the data has sentences; predictors that are no runs stand in the same table, and in outside_results.json.
 *
 * Errors: those of load and of the data; DIVERGED when outputs are not finite; with a decoder those of Decoder.open, SPACE_MISMATCH
 * and TEXT_MISSING.
 */
export const evaluate = longDoor('evaluate', ARGS, async (options: EvaluateRunsOptions): Promise<Evaluated> => {
  const { runs: all, say = () => {}, ...given } = options
  if (all.length === 0) throw badOption('evaluate', 'runs', 'at least one run', all)
  const o = resolve('evaluate', evaluateFields, given)
  if (o.decoder === undefined) refuseGenerated('evaluate', given, 'without a decoder no sentences are generated')
  else requireDecoder('evaluate', o.decoder, evaluateFields.decoder.expected)
  if (o.processes !== undefined) onlyRuns('evaluate', 'processes', all)
  if (o.folds && (given.latency ?? 0) > 0)
    throw badOption(
      'evaluate',
      'latency',
      '0 with "folds", because every fold has its own weights,',
      given.latency,
      'leave --latency out',
    )
  const { value, first } = await withRanks('evaluate', options as unknown as Record<string, unknown>, o, (o) =>
    judgeAll(all, o, say),
  )
  if (first) await write(o.out, value)
  const { entries, outside } = value
  return {
    results: { version: 1, runs: entries },
    ...(outside.length > 0 && { outside: { version: 1, runs: outside } }),
    table: renderTable([...entries, ...outside]),
  }
})
