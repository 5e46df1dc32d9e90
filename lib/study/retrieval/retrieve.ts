import { isBankAddress } from '../../banks/bank-address.js'
import { bankBase } from '../../banks/bank-base.js'
import { withBank } from '../../banks/open-bank.js'
import { keptReader } from '../../baselines/kept-predictions.js'
import { type FoldRuns, findFolds } from '../../checkpoint/fold-runs.js'
import { load } from '../../checkpoint/load-model.js'
import { findRun } from '../../checkpoint/run-folder.js'
import { longDoor } from '../../control.js'
import type { Base } from '../../data/base.js'
import { mainData, someData, type WithData } from '../../data/given-data.js'
import { callback, optional, withFields } from '../../door.js'
import { badOption, LvmError } from '../../errors.js'
import { requireOwnRows } from '../../evaluate/evaluate-fields.js'
import { openOutsider } from '../../evaluate/outside/open-outsider.js'
import { type Outsider, onlyRuns, predictors } from '../../evaluate/outside/outsider.js'
import { openPool } from '../../evaluate/pool.js'
import { sharedWindows } from '../../evaluate/ranks/rank-helper.js'
import { withRanks } from '../../evaluate/ranks/with-ranks.js'
import { type Document, writeEntries } from '../../evaluate/results-file.js'
import { type Chosen, chooseRows } from '../../evaluate/subject.js'
import { type Given, type Options, resolve } from '../../options.js'
import { share, type Windows } from '../../ranks/shared-work.js'
import { rounds } from '../../stages.js'
import { judgeSearched, type Searched, type Searcher, searchAll } from './judge-retrieval.js'
import { oracleSentence } from './oracle.js'
import { RETRIEVAL_RESULTS, type RetrievalEntry } from './retrieval-entry.js'
import { renderRetrieval } from './retrieval-table.js'
import { retrieveFields } from './retrieve-fields.js'
import { judgeFolds, type SearchedRun } from './retrieve-folds.js'
import { searchBank } from './search-bank.js'

/** Options of `retrieve`: the runs, a listener for progress (`say`), and any field of `retrieveFields`. */
export interface RetrieveOptions extends WithData<Given<typeof retrieveFields>, 'data' | 'bank'> {
  /**
   * Folders of runs, or their names below `artifacts/lvm/models`; files of predictions (`NAME=FILE.npy`), and functions. The latter
   * are judged on the windows of the first run, or without one on those that they name.
   */
  readonly runs: readonly (string | Outsider)[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

type Asked = Options<typeof retrieveFields>
type Say = (line: string) => void

/** Searches all rows of the data, a file or a bank in a database for the targets. */
async function searchWith(searcher: Searcher, chosen: Chosen, o: Asked, say: Say, windows?: Windows): Promise<Searched> {
  const options = { failures: o.failures, exclude: o.exclude, say }
  const searchIn = async (bank: string | Base | undefined) => {
    const pool = await openPool(chosen, { ...o, bank })
    if (windows !== undefined && (bank === undefined || typeof bank === 'string')) share(pool, windows)
    try {
      return await searchAll(searcher, chosen, pool, options)
    } finally {
      pool.dispose()
    }
  }
  if (o.bank === undefined || !isBankAddress(o.bank)) return searchIn(o.bank)
  return withBank('retrieve', o.bank, async (bank) => {
    if (o.bankSearch !== 'exact') return searchBank(searcher, chosen, bank, options)
    const searched = await searchIn(await bankBase(bank, chosen.base))
    const search = { method: 'exact', index: await bank.index(), recall20: 1, queries: chosen.ids.length } as const
    return { ...searched, bank: { ...searched.bank, search } }
  })
}

async function searchRun(run: string, o: Asked, say: Say): Promise<SearchedRun> {
  say(`${run}: loading`)
  using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  const chosen = await chooseRows(model, o)
  try {
    const about = { run: model.name, model: model.manifest.model, weights_sha256: model.weights }
    const windows = sharedWindows(model, chosen, o.rows)
    share(chosen.ids, windows)
    const searcher = { name: model.name, read: keptReader(model, chosen) }
    return { about, searched: await searchWith(searcher, chosen, o, say, windows) }
  } finally {
    chosen.dispose()
  }
}

/** Searches with a predictor that is no run, for the windows of the run `beside`. */
async function searchOutsider(outsider: Outsider, beside: string | undefined, o: Asked, say: Say): Promise<SearchedRun> {
  const opened = await openOutsider(outsider, beside, o)
  try {
    const { name: run, file, chosen, trainedOn: trained_on } = opened
    const about = { run, model: file === null ? 'function' : 'file', weights_sha256: file?.sha256 ?? null }
    const searched = await searchWith(opened, chosen, o, say)
    return { about, searched: { ...searched, from: { ...searched.from, trained_on, selected_on: null } } }
  } finally {
    opened.dispose()
  }
}

async function entriesOf(all: readonly (string | Outsider)[], o: Asked, say: Say): Promise<RetrievalEntry[]> {
  const names = all.filter((one) => typeof one === 'string')
  for (const name of names) await findRun(name) // fail before minutes are spent on the first run
  const entries: RetrievalEntry[] = []
  for (const one of rounds(all, (one) => (typeof one === 'string' ? one : one.name!))) {
    const found = typeof one === 'string' ? searchRun(one, o, say) : searchOutsider(one, names[0], o, say)
    const { about, searched } = await found
    entries.push(await judgeSearched(about, searched, o.exclude))
  }
  return entries
}

/** Entries of the folds of each name, each fold searched for the articles that it held out. */
async function pooledEntries(names: readonly string[], o: Asked, say: Say): Promise<RetrievalEntry[]> {
  requireOwnRows('retrieve', o)
  const sets: FoldRuns[] = []
  for (const name of names) sets.push(...(await findFolds('retrieve', name)))
  const entries: RetrievalEntry[] = []
  for (const set of sets) {
    const found: SearchedRun[] = []
    for (const run of set.runs) found.push(await searchRun(run, { ...o, rows: 'test' }, say))
    entries.push(await judgeFolds(set, found, o))
  }
  return entries
}

type Retrieved = { results: Document<RetrievalEntry>; table: string; failure: LvmError | undefined }
const ARGS = {
  options: withFields({ runs: predictors, data: optional(mainData), bank: optional(someData), say: optional(callback) }),
}

/**
 * Searches a bank for targets with the predictions of runs, of other predictors and of heuristics, and writes retrieval_results.json.
 *
 * `failure` is a GATE_FAILED error when the pool of a run cannot be searched; the entry of that run has status `invalid` and no scores.
 * Errors: those of load and of the data; BAD_OPTION, SPACE_MISMATCH and DATA_SHAPE for a bank that does not fit; DIVERGED.
 */
export const retrieve = longDoor('retrieve', ARGS, async (options: RetrieveOptions): Promise<Retrieved> => {
  const { runs, say = () => {}, ...given } = options
  if (runs.length === 0) throw badOption('retrieve', 'runs', 'at least one run', runs)
  const o = resolve('retrieve', retrieveFields, given)
  if (o.bankSearch !== undefined && (o.bank === undefined || !isBankAddress(o.bank)))
    throw badOption('retrieve', 'bankSearch', 'no value without the address of a database for "bank"', o.bankSearch)
  if (o.processes !== undefined) onlyRuns('retrieve', 'processes', runs)
  const { value: entries, first } = await withRanks('retrieve', options as unknown as Record<string, unknown>, o, (o) =>
    o.folds ? pooledEntries(onlyRuns('retrieve', 'folds', runs), o, say) : entriesOf(runs, o, say),
  )
  if (first) await writeEntries(o.out, RETRIEVAL_RESULTS, entries)
  const invalid = entries.find(({ status }) => status === 'invalid')
  const failure = invalid && new LvmError('GATE_FAILED', `${invalid.run}: ${oracleSentence(invalid.oracle)}`)
  return { results: { version: 1, runs: entries }, table: renderRetrieval(entries), failure }
})
