import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LvmError } from '../../errors.js'
import type { RunColours } from '../../page/palette.js'
import { counted } from '../../stages.js'
import { documentsOf } from '../evaluation-documents.js'
import { judgedRuns } from '../folded-runs.js'
import type { Report } from '../report-document.js'
import { analysisFigures, type Sample } from './analysis-figures.js'
import { auditFigures } from './audit-figures.js'
import { arrowFigures, ceilingFigures } from './ceiling-figures.js'
import { comparisonFigures } from './comparison-figures.js'
import { records } from './csv-records.js'
import { diagnosticFigures } from './diagnosis-figures.js'
import type { Figure } from './figure.js'
import { loadFigures } from './load-figures.js'
import { retrievalFigures } from './retrieval-figures.js'
import { runFigures, trainingFigures } from './training-figures.js'
import { beginFigures, type Drawn } from './write-figures.js'

/** Figures of a report by section of the page. */
export interface Figures {
  readonly comparison: readonly Drawn[]
  readonly training: readonly Drawn[]
  readonly retrieval: readonly Drawn[]
  readonly audit: readonly Drawn[]
  readonly ceiling: readonly Drawn[]
  readonly arrow: readonly Drawn[]
  readonly load: readonly Drawn[]
  /** Figures by run: training curves, diagnosis and error analysis. */
  readonly runs: Readonly<
    Record<
      string,
      { readonly curves: readonly Drawn[]; readonly diagnosis: readonly Drawn[]; readonly analysis: readonly Drawn[] }
    >
  >
}

/** Columns that must have a number for every window; OPTIONAL ones may be empty or absent. */
const NUMBERS = ['row', 'cosine', 'mse']
const OPTIONAL = ['length', 'similarity', 'x', 'y', 'predicted_x', 'predicted_y']

/** Reads the windows of a run's error analysis, none if the file is missing. Errors: DATA_FORMAT for a column without numbers. */
async function samplesOf(evaluation: string, csv: string): Promise<Sample[]> {
  const text = await readFile(join(evaluation, csv), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return ''
  })
  const samples = records(text)
  const isNumber = (cell: string | undefined) => cell !== undefined && cell.trim() !== '' && Number.isFinite(Number(cell))
  const wrong =
    NUMBERS.find((column) => !samples.every((s) => isNumber(s[column]))) ??
    OPTIONAL.find((column) => !samples.every((s) => (s[column] ?? '') === '' || isNumber(s[column])))
  if (wrong === undefined) return samples
  throw new LvmError('DATA_FORMAT', `${csv}: expected numbers in the column "${wrong}" but some are missing or are not numbers`, {
    hint: 'run analyze again',
  })
}

/** Whether a run has curves among those of all runs: of folds, only the first has. */
const isShown = ({ lineage }: Report['runs'][number]) => (lineage?.split?.fold?.index ?? 1) === 1

/** Gives each run a colour, and to runs over folds that of their first fold. */
export function runColours({ runs, folds }: Pick<Report, 'runs' | 'folds'>): RunColours {
  const own = new Map(runs.map(({ run }, i) => [run, i]))
  return new Map([...own, ...folds.map((entry) => [entry.run, own.get(entry.folds!.runs[0]!.run) ?? 0] as const)])
}

/** Draws every figure with data; with a folder, writes each there as SVG, PNG and CSV. */
export async function allFigures(
  report: Report,
  evaluation: string,
  { folder, say = () => {} }: { folder?: string; say?: (line: string) => void } = {},
): Promise<Figures> {
  const { retrieval, diagnosed, analysed, audit, ceiling, arrow, load } = documentsOf(report)
  const unfinished: (() => Promise<unknown>)[] = []
  /** Returns a list that is filled when all figures of the report are begun, because threads draw their PNGs meanwhile. */
  const draw = async (figures: readonly Figure[]) => {
    if (figures.length > 0) say(`drawing ${figures.map(({ name }) => name).join(', ')}`)
    const finish = await beginFigures(figures, folder, warn)
    const drawn: Drawn[] = []
    unfinished.push(async () => drawn.push(...(await finish())))
    return drawn
  }
  const warned = new Set<string>()
  const warn = (line: string) => {
    if (!warned.has(line)) say(line)
    warned.add(line)
  }
  const colours = runColours(report)
  const runs: Record<string, Figures['runs'][string]> = {}
  for (const run of counted(report.runs)) {
    const diagnosis = diagnosed.find((d) => d.run === run.run)
    const analysis = analysed.find((a) => a.run === run.run)
    runs[run.run] = {
      curves: await draw(runFigures(run, colours.get(run.run)!)),
      diagnosis: await draw(diagnosis ? diagnosticFigures(diagnosis, colours.get(run.run)!) : []),
      analysis: await draw(
        analysis ? analysisFigures(analysis, await samplesOf(evaluation, analysis.csv), colours.get(run.run)!) : [],
      ),
    }
  }
  const all: Figures = {
    comparison: await draw(comparisonFigures(judgedRuns(report), colours)),
    training: await draw(trainingFigures(report.runs.filter(isShown), colours)),
    retrieval: await draw(retrievalFigures(retrieval)),
    audit: await draw(audit ? auditFigures(audit) : []),
    ceiling: await draw(ceiling ? ceilingFigures(ceiling) : []),
    arrow: await draw(arrow ? arrowFigures(arrow) : []),
    load: await draw(load ? loadFigures(load) : []),
    runs,
  }
  for (const finish of unfinished) await finish()
  return all
}
