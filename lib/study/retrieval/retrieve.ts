import { load } from '../../checkpoint/load-model.js'
import { findRun } from '../../checkpoint/run-folder.js'
import { asyncDoor, callback, optional, withFields, words } from '../../door.js'
import { badOption, LvmError } from '../../errors.js'
import { openPool } from '../../evaluate/pool.js'
import { type Document, writeEntries } from '../../evaluate/results-file.js'
import { chooseRows } from '../../evaluate/subject.js'
import { type Given, resolve } from '../../options.js'
import { judgeRetrieval } from './judge-retrieval.js'
import { oracleSentence } from './oracle.js'
import { RETRIEVAL_RESULTS, type RetrievalEntry } from './retrieval-entry.js'
import { renderRetrieval } from './retrieval-table.js'
import { retrieveFields } from './retrieve-fields.js'

/** Options of `retrieve`: the runs, a listener for progress (`say`), and any field of `retrieveFields`. */
export interface RetrieveOptions extends Given<typeof retrieveFields> {
  /** Folders of runs, or their names below `artifacts/lvm/models`. */
  readonly runs: readonly string[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

type Retrieved = { results: Document<RetrievalEntry>; table: string; failure: LvmError | undefined }
const ARGS = { options: withFields({ runs: words, say: optional(callback) }) }

/**
 * Searches a bank for targets with the predictions of runs and of heuristics, and writes retrieval_results.json.
 *
 * `failure` is a GATE_FAILED error when the pool of a run cannot be searched; the entry of that run has status `invalid` and no scores.
 * Errors: those of load and of the data; BAD_OPTION, SPACE_MISMATCH and DATA_SHAPE for a bank that does not fit; DIVERGED.
 */
export const retrieve = asyncDoor('retrieve', ARGS, async (options: RetrieveOptions): Promise<Retrieved> => {
  const { runs, say = () => {}, ...given } = options
  if (runs.length === 0) throw badOption('retrieve', 'runs', 'at least one run', runs)
  const o = resolve('retrieve', retrieveFields, given)
  for (const run of runs) await findRun(run) // fail before minutes are spent on the first run
  const entries: RetrievalEntry[] = []
  for (const run of runs) {
    say(`${run}: loading`)
    using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
    const chosen = await chooseRows(model, o)
    try {
      const pool = await openPool(chosen, o)
      try {
        entries.push(await judgeRetrieval(model, chosen, pool, { failures: o.failures, exclude: o.exclude, say }))
      } finally {
        pool.dispose()
      }
    } finally {
      chosen.dispose()
    }
  }
  await writeEntries(o.out, RETRIEVAL_RESULTS, entries)
  const invalid = entries.find(({ status }) => status === 'invalid')
  const failure = invalid && new LvmError('GATE_FAILED', `${invalid.run}: ${oracleSentence(invalid.oracle)}`)
  return { results: { version: 1, runs: entries }, table: renderRetrieval(entries), failure }
})
