import { allFigures } from './figures/all-figures.js'
import { page } from './html/report-page.js'
import { markdown } from './markdown.js'
import type { Report } from './report-document.js'

export const REPORT_JSON = 'report.json'
export const REPORT_PAGE = 'report.html'
export const REPORT_TABLE = 'report.md'
export const PLOTS = 'comparison_plots'

/** Returns a report as page, JSON and Markdown by file name, and its figures. */
export async function formsOf(report: Report, evaluation: string, options?: Parameters<typeof allFigures>[2]) {
  const figures = await allFigures(report, evaluation, options)
  const texts = {
    [REPORT_JSON]: `${JSON.stringify(report, null, 2)}\n`,
    [REPORT_TABLE]: markdown(report),
    [REPORT_PAGE]: page(report, figures),
  }
  return { figures, texts }
}
