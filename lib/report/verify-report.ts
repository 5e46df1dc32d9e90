import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve as resolvePath } from 'node:path'
import { withoutKeptPredictions } from '../baselines/kept-predictions.js'
import { longDoor } from '../control.js'
import { callback, optional, pageDoor, withFields, word } from '../door.js'
import { asLvmError, fileError, LvmError, shown } from '../errors.js'
import { type EvaluateRunsOptions, evaluate } from '../evaluate/evaluate-runs.js'
import { readDocument } from '../evaluate/results-file.js'
import { SENTENCES, type SentencesEntry } from '../evaluate/window-sentences.js'
import { packageVersion } from '../libtorch/paths.js'
import { type Given, resolve } from '../options.js'
import { count } from '../show.js'
import { counted, stage } from '../stages.js'
import { type Difference, differences } from './differences.js'
import { documentsOf } from './evaluation-documents.js'
import { besideDifferences, contradictions, lineDifferences } from './files-beside.js'
import { judgedRuns } from './folded-runs.js'
import { embedded } from './html/report-page.js'
import { gather, madeOf, packageCommit, type Report } from './report-document.js'
import { verifyFields } from './report-fields.js'
import { formsOf, PLOTS, REPORT_JSON, REPORT_PAGE } from './report-forms.js'

/** Options of `verify`: the report, and any field of `verifyFields`. */
export interface VerifyOptions extends Given<typeof verifyFields> {
  /** report.json or report.html. */
  readonly report: string
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

/** Result of `verify`. */
export interface Verified {
  readonly version: 1
  readonly report: string
  readonly ok: boolean
  /** Number of values of the report that were compared with the files. */
  readonly compared: number
  /** Runs that were evaluated again. */
  readonly recomputed: readonly string[]
  /** Results files without a digest, from earlier versions: changes before the report cannot be detected. */
  readonly unsealed: readonly string[]
  readonly problems: readonly Difference[]
}

const broken = (path: string, what: string) =>
  new LvmError('DATA_FORMAT', `${path}: expected a report of lvm-torch but ${what}`, { hint: 'make one with: lvm-torch report' })

function parse(path: string, text: string | undefined): Report {
  if (text === undefined) throw broken(path, 'the page contains none')
  try {
    const report = JSON.parse(text) as Report
    const lists = [report.runs, report.matrix, report.command_line].every(Array.isArray)
    const texts = [report.created_at, report.runs_folder, report.written_by.lvm_torch, ...report.runs.map(({ run }) => run)]
    if (report.version === 1 && lists && texts.every((text) => typeof text === 'string')) return report
  } catch {}
  throw broken(path, 'it is something else')
}

/** Returns words about the version that wrote a report if it is not this one: texts and drawings may differ between versions. */
async function otherVersion({ lvm_torch, commit }: Report['written_by']): Promise<string> {
  if (lvm_torch !== packageVersion()) return ` (it was made by lvm-torch ${lvm_torch})`
  return commit === (await packageCommit())
    ? ''
    : ` (it was made by lvm-torch ${lvm_torch}, commit ${commit?.slice(0, 12) ?? 'unknown'})`
}

/** An entry without generated sentences, which need the decoder's weights and minutes to make again. */
const withoutDecoded = ({ decoder: _, windows, ...entry }: SentencesEntry) => ({
  ...entry,
  windows: windows.map(({ decoded: __, ...window }) => window),
})

/** Compares the stored sentences of a run with those of its new evaluation. */
async function sentencesAgain(report: Report, run: string, out: string, tolerance: number): Promise<readonly Difference[]> {
  const before = documentsOf(report).sentences.find((entry) => entry.run === run)
  const after = (await readDocument<SentencesEntry>(out, SENTENCES)).runs.at(-1)
  if (before === undefined || after === undefined) return []
  return differences(withoutDecoded(before), withoutDecoded({ ...after, run }), `${SENTENCES}, ${run}`, tolerance).problems
}

/** Evaluates the folds of a report again. Errors: those of evaluate. */
async function foldsAgain(report: Report, root: string, out: string, tolerance: number): Promise<Difference[]> {
  const problems: Difference[] = []
  for (const [i, before] of (report.folds ?? []).entries()) {
    const { results } = await evaluate({ runs: [join(root, before.folds!.runs[0]!.run)], folds: true, out })
    const { folds, ...after } = { ...results.runs[0]!, run: before.run }
    const named = { ...folds!, runs: folds!.runs.map((fold, j) => ({ ...fold, run: before.folds!.runs[j]!.run })) }
    problems.push(...differences(before, { ...after, folds: named }, `folds[${i}]`, tolerance).problems)
  }
  return problems
}

type Rows = NonNullable<EvaluateRunsOptions['rows']>

/** Evaluates runs again on the same rows and compares all figures but timings. */
async function recomputed(report: Report, root: string, tolerance: number, say: (line: string) => void) {
  const out = await mkdtemp(join(tmpdir(), 'lvm-torch-verify-'))
  const problems: Difference[] = []
  const runs: string[] = []
  try {
    for (const [i, { run, validation, lineage }] of counted([...report.runs.entries()])) {
      if (validation === null) continue
      say(`evaluating ${run} again`)
      const { latency: _, ...before } = validation
      try {
        const data = lineage?.data?.hash === validation.data.hash ? {} : { data: validation.data.path }
        const asked = { runs: [join(root, run)], rows: validation.rows as Rows, latency: 0, out, ...data }
        const { results } = await withoutKeptPredictions(() => evaluate(asked))
        const { latency: __, ...after } = { ...results.runs[0]!, run }
        problems.push(...differences(before, after, `runs[${i}].validation`, tolerance).problems)
        problems.push(...(await sentencesAgain(report, run, out, tolerance)))
        runs.push(run)
      } catch (error) {
        const { code, message } = asLvmError(error)
        problems.push({
          place: `runs[${i}].validation`,
          report: 'figures',
          files: `could not be computed again: ${code}: ${message}`,
        })
      }
    }
    problems.push(...(await foldsAgain(report, root, out, tolerance)))
  } finally {
    await rm(out, { recursive: true, force: true })
  }
  return { problems, runs }
}

const ARGS = { options: withFields({ report: word, say: optional(callback) }) }

/**
 * Reads the files of runs and evaluations again and names every value that differs from them in a report, its other form, its table
 * and its figures.
 *
 * With `recompute`, the runs are also evaluated again.
 * Errors: FILE_MISSING; DATA_FORMAT for a file that is not a report.
 */
export const verify = longDoor('verify', ARGS, async (options: VerifyOptions): Promise<Verified> => {
  const { report: path, say = () => {}, ...given } = options
  const o = resolve('verify', verifyFields, given)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EISDIR') throw broken(path, 'it is a folder; name its report.html or report.json')
    throw fileError(error, 'verify')
  })
  const isPage = /^\s*</.test(text)
  const report = parse(path, isPage ? embedded(text) : text)
  const folder = dirname(resolvePath(path))
  const root = o.runs ?? join(folder, report.runs_folder)
  const { created_at, written_by, command_line, runs_folder } = report
  say(`verifying every byte of ${report.runs.length} runs`)
  const only = report.runs.map(({ run }) => run)
  const changed: Difference[] = []
  const changedFile = (name: string) => changed.push({ place: name, report: 'as it was written', files: 'changed afterwards' })
  const printed = { created_at, written_by, command_line, runs_folder }
  const files = await stage('read every file', () =>
    madeOf(folder, () => gather(root, folder, printed, { only, deep: true, changedFile })),
  )
  const { problems, compared } = differences(report, files, '', 0)
  problems.unshift(...changed, ...judgedRuns(files).flatMap(contradictions))
  if (problems.length === 0) {
    say('building the report again')
    const { figures, texts } = await stage('figures and pages', () => madeOf(folder, () => formsOf(files, folder)))
    const { [isPage ? REPORT_PAGE : REPORT_JSON]: again, ...others } = texts
    const beside = await besideDifferences(figures, folder, { plots: PLOTS, others })
    const version = await otherVersion(written_by)
    problems.push(...[...lineDifferences(text, again), ...beside].map((d) => ({ ...d, place: `${d.place}${version}` })))
  }
  const unsealed = Object.entries(files.files).flatMap(([name, { sealed }]) => (sealed ? [] : [name]))
  const again = o.recompute
    ? await stage('evaluate again', () => recomputed(report, root, o.tolerance, say))
    : { problems: [], runs: [] }
  const all = [...problems, ...again.problems]
  return { version: 1, report: path, ok: all.length === 0, compared, recomputed: again.runs, unsealed, problems: all }
})

/** Result of a verification as text for the terminal. */
export const verifiedText = pageDoor('verifiedText', 'verify', (v: Verified): string => {
  const { report, ok, compared, recomputed, unsealed, problems } = v
  const open =
    unsealed.length === 0 ? '' : `\nwithout a digest (changes before the report cannot be detected): ${unsealed.join(', ')}`
  return ok
    ? `${report}: all ${count(compared)} values agree with the files${recomputed.length > 0 ? `; the figures of ${recomputed.join(', ')} were computed again and agree` : ''}${open}`
    : problems
        .map(({ place, report, files }) => `${place}: the report says ${shown(report)}, the files say ${shown(files)}`)
        .join('\n')
})
