import type { Report } from '../document.js'
import { comparisonFigures } from './comparison.js'
import type { Figure } from './figure.js'
import { runFigures, trainingFigures } from './training.js'
import { type Drawn, drawFigures } from './write.js'

/** The figures of a report, as the page places them. */
export interface Figures {
  readonly comparison: readonly Drawn[]
  readonly training: readonly Drawn[]
  readonly runs: Readonly<Record<string, readonly Drawn[]>>
}

/** Draws every figure that a report has data for; with a folder, writes each there as SVG, PNG and CSV. */
export async function allFigures(report: Report, folder?: string, say: (line: string) => void = () => {}): Promise<Figures> {
  const draw = async (figures: readonly Figure[]) => {
    if (figures.length > 0) say(`drawing ${figures.map(({ name }) => name).join(', ')}`)
    return drawFigures(figures, folder)
  }
  const runs: Record<string, readonly Drawn[]> = {}
  for (const run of report.runs) runs[run.run] = await draw(runFigures(run))
  return { comparison: await draw(comparisonFigures(report.runs)), training: await draw(trainingFigures(report.runs)), runs }
}
