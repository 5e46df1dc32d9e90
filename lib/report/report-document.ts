import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { asLvmError, LvmError } from '../errors.js'
import { type RunEntry, readDocument, VALIDATION_RESULTS } from '../evaluate/results-file.js'
import { textHash } from '../files/hash.js'
import { refuseChanged, unsealed } from '../files/sealed.js'
import { packageRoot, packageVersion } from '../libtorch/paths.js'
import type { Analysis } from '../study/analysis/analysis-entry.js'
import { readSweep, SWEEP } from '../sweep/cells.js'
import { type MatrixRow, matrixOf } from './matrix.js'
import { type ReportedRun, readRuns, speaksOf } from './reported-runs.js'
import { type SeedGroup, seedGroups } from './seed-groups.js'

/** Files beside validation_results.json that a report takes in whole. */
export const DOCUMENTS = [
  'inference_benchmarks.json',
  'retrieval_results.json',
  'comparison.json',
  'diagnostics.json',
  'error_analysis.json',
  'audit.json',
  'ceiling.json',
  'arrow.json',
  SWEEP,
] as const
export type DocumentName = (typeof DOCUMENTS)[number]

/** What is made of the results files of a folder. Errors: DATA_FORMAT where those without a digest lack what it is made of; with one, that is a bug. */
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
      `${open.join(', ')}: expected what lvm-torch writes but a part is missing or of another kind`,
      {
        cause,
        hint: 'move the file away and run the command that writes it again',
      },
    )
  }
}

/** What stands in report.json, and in the page. */
export interface Report {
  readonly version: 1
  readonly created_at: string
  readonly written_by: { readonly lvm_torch: string; readonly commit: string | null; readonly node: string }
  readonly command_line: readonly string[]
  /** The folder of the runs, as seen from the report. */
  readonly runs_folder: string
  readonly matrix: readonly MatrixRow[]
  readonly runs: readonly ReportedRun[]
  /** Runs that differ in their seed only. */
  readonly seeds: readonly SeedGroup[]
  /** Of each document its SHA-256, whether it carries a digest of its own, and the runs of which it speaks with other weights. */
  readonly files: Readonly<
    Record<string, { readonly sha256: string; readonly sealed: boolean; readonly stale: readonly string[] }>
  >
  readonly documents: Readonly<Partial<Record<DocumentName, unknown>>>
}

/** What is not read from files, and so is kept when a report is checked. */
export type Imprint = Pick<Report, 'created_at' | 'written_by' | 'command_line' | 'runs_folder'>

/** The commit of this package; null where it was installed, perhaps into a project that has commits of its own, or without git. */
async function commit(): Promise<string | null> {
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
  written_by: { lvm_torch: packageVersion(), commit: await commit(), node: process.versions.node },
  command_line: words,
  runs_folder: relative(evaluation, root).replaceAll('\\', '/') || '.',
})

const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })

/**
 * What a document says of the runs of a report.
 *
 * Entries of other runs are left out, so that a later run does not make the report stale; and those of other weights, which say nothing
 * of what the run is now.
 */
function about(document: unknown, root: string, runs: readonly ReportedRun[]): { document: unknown; stale: string[] } {
  const { runs: entries } = document as { runs?: { run: string; weights_sha256?: string }[] }
  if (!Array.isArray(entries)) return { document, stale: [] }
  const named = entries.flatMap((entry) => {
    const of = runs.find(({ run }) => speaksOf(entry.run, root, run))
    return of === undefined ? [] : [{ of, entry: { ...entry, run: of.run } }]
  })
  const isStale = ({ of, entry }: (typeof named)[number]) =>
    entry.weights_sha256 !== undefined && entry.weights_sha256 !== of.lineage?.weights_sha256
  return {
    document: { ...(document as object), runs: named.filter((pair) => !isStale(pair)).map(({ entry }) => entry) },
    stale: named.filter(isStale).map(({ of }) => of.run),
  }
}

/**
 * Gathers a report from the files of runs and evaluations.
 *
 * `only` names the runs it speaks of, all of them unless given; `deep` reads every byte of them; `changedFile` hears of results files that
 * were changed after they were written, which are errors unless it is given.
 * Errors: DATA_FORMAT for a file that is not what its name says.
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
  const matrix = matrixOf(runs, sweep?.cells ?? [], printed.runs_folder)
  return { version: 1, ...printed, matrix, runs, seeds: seedGroups(runs), files, documents }
}
