import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { asLvmError, LvmError } from '../errors.js'
import { OUTSIDE_RESULTS, type RunEntry, readDocument, VALIDATION_RESULTS } from '../evaluate/results-file.js'
import { SENTENCES } from '../evaluate/window-sentences.js'
import { textHash } from '../files/hash.js'
import { refuseChanged, unsealed } from '../files/sealed.js'
import { packageRoot, packageVersion } from '../libtorch/paths.js'
import type { Analysis } from '../study/analysis/analysis-entry.js'
import { isOutside } from '../study/retrieval/retrieval-entry.js'
import { readSweep, SWEEP } from '../sweep/cells.js'
import { foldEntries, foldsOf, isStale as isStaleFold, judgedRuns } from './folded-runs.js'
import { type MatrixRow, matrixOf } from './matrix.js'
import { type ReportedRun, readRuns, speaksOf } from './reported-runs.js'
import { type SeedGroup, seedGroups } from './seed-groups.js'

/** Result of a load test. */
export const LOADTEST = 'loadtest.json'
/** Documents beside validation_results.json that a report includes. */
export const DOCUMENTS = [
  OUTSIDE_RESULTS,
  'inference_benchmarks.json',
  'retrieval_results.json',
  'comparison.json',
  'diagnostics.json',
  'error_analysis.json',
  SENTENCES,
  'audit.json',
  'ceiling.json',
  'arrow.json',
  SWEEP,
  LOADTEST,
] as const
export type DocumentName = (typeof DOCUMENTS)[number]

/** Calls a function that reads results files. Errors: DATA_FORMAT if it fails while some files have no digest; if all have one, the failure is a bug. */
export async function madeOf<T>(evaluation: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (cause) {
    if (asLvmError(cause).code !== 'INTERNAL') throw cause
    const open: string[] = []
    for (const name of [VALIDATION_RESULTS, ...DOCUMENTS]) {
      const text = await textOf(join(evaluation, name))
      if (text !== undefined && unsealed(name, text).seal === 'none') open.push(name)
    }
    if (open.length === 0) throw cause
    throw new LvmError(
      'DATA_FORMAT',
      `${open.join(', ')}: expected a document of lvm-torch but a part is missing or has a wrong type`,
      {
        cause,
        hint: 'move the file away and run the command that writes it again',
      },
    )
  }
}

/** Content of report.json, which the page contains too. */
export interface Report {
  readonly version: 1
  readonly created_at: string
  readonly written_by: { readonly lvm_torch: string; readonly commit: string | null; readonly node: string }
  readonly command_line: readonly string[]
  /** Folder of the runs, relative to the report. */
  readonly runs_folder: string
  readonly matrix: readonly MatrixRow[]
  readonly runs: readonly ReportedRun[]
  /** Entries of validation_results.json that pool the folds of a run: every article was held out by one of them. */
  readonly folds: readonly RunEntry[]
  /** Groups of runs that differ only in their seed. */
  readonly seeds: readonly SeedGroup[]
  /** For each document: its SHA-256, whether it carries its own digest, and the runs whose entries are about other weights. */
  readonly files: Readonly<
    Record<string, { readonly sha256: string; readonly sealed: boolean; readonly stale: readonly string[] }>
  >
  readonly documents: Readonly<Partial<Record<DocumentName, unknown>>>
}

/** Parts of a report that are not read from files; verification keeps them. */
export type Imprint = Pick<Report, 'created_at' | 'written_by' | 'command_line' | 'runs_folder'>

/** Returns the commit of this package; null for an installed package (even inside another git project) and without git. */
export async function packageCommit(): Promise<string | null> {
  const root = packageRoot()
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--show-prefix', 'HEAD'], { cwd: root })
    const [prefix, head] = stdout.split('\n')
    return prefix === '' ? head! : null
  } catch {
    return null
  }
}

export const imprint = async (root: string, evaluation: string, words: readonly string[]): Promise<Imprint> => ({
  created_at: new Date().toISOString(),
  written_by: { lvm_torch: packageVersion(), commit: await packageCommit(), node: process.versions.node },
  command_line: words,
  runs_folder: relative(evaluation, root).replaceAll('\\', '/') || '.',
})

const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })

/**
 * Keeps the entries of a document that are about the runs of a report, or about predictors that are no runs.
 *
 * Entries of other runs are left out, so that a later run does not make the report stale. Entries of other weights are left out,
 * because they do not describe the current run.
 */
function about(document: unknown, root: string, runs: readonly ReportedRun[]): { document: unknown; stale: string[] } {
  const { runs: entries } = document as {
    runs?: (Parameters<typeof foldsOf>[0] & { weights_sha256?: string | null; model?: string; kind?: string })[]
  }
  if (!Array.isArray(entries)) return { document, stale: [] }
  const named = entries.flatMap((entry) => {
    const of = runs.find(({ run }) => speaksOf(entry.run, root, run))
    return of === undefined ? [] : [{ of, entry: { ...entry, run: of.run } }]
  })
  const outside = entries.filter((entry) => isOutside(entry) && !named.some((pair) => pair.entry.run === entry.run))
  const pooled = entries.flatMap((entry) => {
    const folds = foldsOf(entry, root, runs)
    return folds === undefined ? [] : [{ entry, stale: isStaleFold(entry, folds) }]
  })
  const isStale = ({ of, entry }: (typeof named)[number]) =>
    entry.weights_sha256 !== undefined && entry.weights_sha256 !== of.lineage?.weights_sha256
  return {
    document: {
      ...(document as object),
      runs: [...named.filter((pair) => !isStale(pair)), ...pooled.filter(({ stale }) => !stale)]
        .map(({ entry }) => entry)
        .concat(outside as never[]),
    },
    stale: [...named.filter(isStale).map(({ of }) => of.run), ...pooled.flatMap(({ stale, entry }) => (stale ? entry.run : []))],
  }
}

/**
 * Builds a report from the files of runs and evaluations.
 *
 * `only` names the runs to include, all by default; `deep` verifies every byte of them; `changedFile` is called for results files
 * that were changed after they were written (an error without it).
 * Errors: DATA_FORMAT for a file with a wrong format.
 */
export async function gather(
  root: string,
  evaluation: string,
  printed: Imprint,
  options: { only?: readonly string[] | undefined; deep?: boolean; changedFile?: (path: string) => void } = {},
): Promise<Report> {
  const changedFile = options.changedFile ?? refuseChanged
  const { runs: entries } = await readDocument<RunEntry>(evaluation, VALIDATION_RESULTS, changedFile)
  const runs = await readRuns(root, entries, options)
  const documents: Partial<Record<DocumentName, unknown>> = {}
  const files: Record<string, { sha256: string; sealed: boolean; stale: string[] }> = {}
  for (const name of [VALIDATION_RESULTS, ...DOCUMENTS] as const) {
    const path = join(evaluation, name)
    const text = await textOf(path)
    if (text === undefined) continue
    const { document: whole, seal } = unsealed(path, text)
    if (seal === 'broken' && name !== VALIDATION_RESULTS) changedFile(path)
    const { document, stale } = about(whole, root, runs)
    if (name !== VALIDATION_RESULTS) documents[name] = document
    files[name] = { sha256: textHash(JSON.stringify(document)), sealed: seal !== 'none', stale }
  }
  const { runs: analysed = [] } = (documents['error_analysis.json'] ?? {}) as { runs?: readonly Analysis[] }
  for (const { csv, csv_sha256 } of analysed) {
    const text = await textOf(join(evaluation, csv))
    if (text !== undefined && csv_sha256 !== undefined && textHash(text) !== csv_sha256) changedFile(join(evaluation, csv))
  }
  const sweep = documents[SWEEP] === undefined ? undefined : await readSweep(evaluation, changedFile)
  const folds = foldEntries(entries, root, runs)
  const matrix = matrixOf(judgedRuns({ runs, folds }), sweep?.cells ?? [], printed.runs_folder)
  return { version: 1, ...printed, matrix, runs, folds, seeds: seedGroups(runs), files, documents }
}
