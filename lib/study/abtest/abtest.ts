import { findRun } from '../../checkpoint/run-folder.js'
import { asyncDoor, callback, optional, withFields, words } from '../../door.js'
import { badOption } from '../../errors.js'
import { type Document, writeEntries } from '../../evaluate/results-file.js'
import { type Given, resolve } from '../../options.js'
import { ABTEST_RESULTS, type AbtestEntry } from './abtest-entry.js'
import { abtestFields } from './abtest-fields.js'
import { renderAbtest } from './abtest-table.js'
import { judgeArms } from './judge-arms.js'
import { openContest } from './open-contest.js'

/** Options of `abtest`: runs or the log of a server, a listener for progress (`say`), and any field of `abtestFields`. */
export interface AbtestOptions extends Given<typeof abtestFields> {
  /** Folders of runs, or their names below `artifacts/lvm/models`. */
  readonly runs?: readonly string[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

type Tested = { results: Document<AbtestEntry>; table: string }
const ARGS = { options: withFields({ runs: optional(words), say: optional(callback) }) }

/**
 * Compares predict-then-retrieve with plain retrieval, and writes abtest_results.json.
 *
 * Errors: those of load and of the data; BAD_OPTION for runs that are not comparable, or a bank or k that does not fit; SPACE_MISMATCH,
 * DATA_SHAPE; GATE_FAILED when targets cannot be told apart in the bank; DIVERGED.
 */
export const abtest = asyncDoor('abtest', ARGS, async (options: AbtestOptions): Promise<Tested> => {
  const { runs = [], say = () => {}, ...given } = options
  const o = resolve('abtest', abtestFields, given)
  if (runs.length === 0 || new Set(runs).size < runs.length) throw badOption('abtest', 'runs', 'one or more different runs', runs)
  for (const run of runs) await findRun(run) // fail before minutes are spent on the first run
  const contest = await openContest(runs, { ...o, say })
  try {
    const entries = await judgeArms(contest, { ...o, say })
    await writeEntries(o.out, ABTEST_RESULTS, entries)
    return { results: { version: 1, runs: entries }, table: renderAbtest(entries) }
  } finally {
    contest.dispose()
  }
})
