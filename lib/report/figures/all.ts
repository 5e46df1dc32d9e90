import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Report } from '../document.js'
import { documentsOf } from '../documents.js'
import { analysisFigures } from './analysis.js'
import { auditFigures } from './audit.js'
import { arrowFigures, ceilingFigures } from './ceiling.js'
import { comparisonFigures } from './comparison.js'
import { diagnosticFigures } from './diagnostics.js'
import type { Figure } from './figure.js'
import { retrievalFigures } from './retrieval.js'
import { records } from './table-file.js'
import { runFigures, trainingFigures } from './training.js'
import { type Drawn, drawFigures } from './write.js'

/** The figures of a report, as the page places them. */
export interface Figures {
  readonly comparison: readonly Drawn[]
  readonly training: readonly Drawn[]
  readonly retrieval: readonly Drawn[]
  readonly audit: readonly Drawn[]
  readonly ceiling: readonly Drawn[]
  readonly arrow: readonly Drawn[]
  /** By run: its curves, and what was diagnosed and analysed. */
  readonly runs: Readonly<
    Record<
      string,
      { readonly curves: readonly Drawn[]; readonly diagnosis: readonly Drawn[]; readonly analysis: readonly Drawn[] }
    >
  >
}

/** The windows of a run's analysis; none where the file is gone. */
const samplesOf = (evaluation: string, csv: string) =>
  readFile(join(evaluation, csv), 'utf8').then(records, (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return []
  })

/** Draws every figure that there is data for; with a folder, writes each there as SVG, PNG and CSV. */
export async function allFigures(
  report: Report,
  evaluation: string,
  { folder, say = () => {} }: { folder?: string; say?: (line: string) => void } = {},
): Promise<Figures> {
  const { retrieval, diagnosed, analysed, audit, ceiling, arrow } = documentsOf(report)
  const draw = async (figures: readonly Figure[]) => {
    if (figures.length > 0) say(`drawing ${figures.map(({ name }) => name).join(', ')}`)
    return drawFigures(figures, folder)
  }
  const runs: Record<string, Figures['runs'][string]> = {}
  for (const run of report.runs) {
    const diagnosis = diagnosed.find((d) => d.run === run.run)
    const analysis = analysed.find((a) => a.run === run.run)
    runs[run.run] = {
      curves: await draw(runFigures(run)),
      diagnosis: await draw(diagnosis ? diagnosticFigures(diagnosis) : []),
      analysis: await draw(analysis ? analysisFigures(analysis, await samplesOf(evaluation, analysis.csv)) : []),
    }
  }
  return {
    comparison: await draw(comparisonFigures(report.runs)),
    training: await draw(trainingFigures(report.runs)),
    retrieval: await draw(retrievalFigures(retrieval)),
    audit: await draw(audit ? auditFigures(audit) : []),
    ceiling: await draw(ceiling ? ceilingFigures(ceiling) : []),
    arrow: await draw(arrow ? arrowFigures(arrow) : []),
    runs,
  }
}
