import { mkdir } from 'node:fs/promises'
import { findRun } from '../../checkpoint/run-folder.js'
import { longDoor } from '../../control.js'
import { mainData, someData, type WithData } from '../../data/given-data.js'
import { callback, optional, withFields, words } from '../../door.js'
import { badOption, LvmError } from '../../errors.js'
import { type Document, writeEntries } from '../../evaluate/results-file.js'
import { sealedText } from '../../files/sealed.js'
import { replaceText } from '../../files/write.js'
import { type Given, type Options, resolve } from '../../options.js'
import { ABTEST_RESULTS, type AbtestEntry } from './abtest-entry.js'
import { abtestFields } from './abtest-fields.js'
import { renderAbtest } from './abtest-table.js'
import { judgeArms } from './judge-arms.js'
import { judgeLog } from './judge-log.js'
import { ABTEST_LIVE, type LiveDocument } from './live-entry.js'
import { renderLive } from './live-table.js'
import { ratioSentence } from './live-verdict.js'
import { openContest } from './open-contest.js'
import { readLog } from './read-log.js'

/** Options of `abtest`: runs or the log of a server, a listener for progress (`say`), and any field of `abtestFields`. */
export interface AbtestOptions extends WithData<Given<typeof abtestFields>, 'data' | 'bank'> {
  /** Folders of runs, or their names below `artifacts/lvm/models`. */
  readonly runs?: readonly string[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

interface Tested {
  /** Content of abtest_results.json, or of abtest_live.json with `log`. */
  readonly results: Document<AbtestEntry> | LiveDocument
  readonly table: string
  readonly failure: LvmError | undefined
}
const ARGS = {
  options: withFields({ runs: optional(words), data: optional(mainData), bank: optional(someData), say: optional(callback) }),
}
type Asked = Options<typeof abtestFields> & { readonly say: (line: string) => void }

async function testRuns(runs: readonly string[], o: Asked): Promise<Tested> {
  for (const run of runs) await findRun(run) // fail before minutes are spent on the first run
  const contest = await openContest(runs, o)
  try {
    const entries = await judgeArms(contest, o)
    await writeEntries(o.out, ABTEST_RESULTS, entries)
    return { results: { version: 1, runs: entries }, table: renderAbtest(entries), failure: undefined }
  } finally {
    contest.dispose()
  }
}

async function testLog(log: string, o: Asked): Promise<Tested> {
  o.say(`${log}: reading`)
  const results = judgeLog(log, await readLog(log, o.missing), o)
  await mkdir(o.out, { recursive: true })
  await replaceText(o.out, ABTEST_LIVE, sealedText(results))
  const failure = results.sample_ratio.valid
    ? undefined
    : new LvmError('GATE_FAILED', `${log}: ${ratioSentence(results.sample_ratio)}`)
  return { results, table: renderLive(results), failure }
}

/** Errors: BAD_OPTION for an option that the other kind of test reads. */
function refuseOthers(given: Readonly<Record<string, unknown>>, keys: readonly string[], reason: string): void {
  const other = keys.find((key) => given[key] !== undefined)
  if (other !== undefined) throw badOption('abtest', other, `no value ${reason}`, given[other], `leave out --${other}`)
}
const LIVE = ['control', 'effect', 'missing']
const BOTH = ['log', 'out']

/**
 * Compares predict-then-retrieve with plain retrieval and writes abtest_results.json, or the arms of a served log and writes abtest_live.json.
 *
 * `failure` is a GATE_FAILED error when the clients of a log are not divided as the split says.
 * Errors: those of load and of the data; BAD_OPTION for runs that are not comparable, or a bank or k that does not fit; SPACE_MISMATCH,
 * DATA_SHAPE; GATE_FAILED when targets cannot be told apart in the bank; DIVERGED; DATA_TOO_FEW and DATA_FORMAT for a log.
 */
export const abtest = longDoor('abtest', ARGS, async (options: AbtestOptions): Promise<Tested> => {
  const { runs = [], say = () => {}, ...given } = options
  const o = { ...resolve('abtest', abtestFields, given), say }
  if (o.log !== undefined) {
    const offline = Object.keys(abtestFields).filter((key) => !LIVE.includes(key) && !BOTH.includes(key))
    if (runs.length > 0) throw badOption('abtest', 'runs', 'no runs beside a log', runs, 'name the runs, or give --log, not both')
    refuseOthers(given, offline, 'beside a log')
    return testLog(o.log, o)
  }
  if (runs.length === 0 || new Set(runs).size < runs.length)
    throw badOption('abtest', 'runs', 'one or more different runs', runs, 'name a run, or give the log of a server with --log')
  refuseOthers(given, LIVE, 'without a log')
  return testRuns(runs, o)
})
