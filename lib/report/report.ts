import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { longDoor } from '../control.js'
import { callback, optional, withFields } from '../door.js'
import { replaceText } from '../files/write.js'
import { type Given, resolve } from '../options.js'
import { stage } from '../stages.js'
import { gather, imprint, madeOf, type Report } from './report-document.js'
import { reportFields } from './report-fields.js'
import { formsOf, PLOTS, REPORT_JSON, REPORT_PAGE, REPORT_TABLE } from './report-forms.js'

/** Options of `report`: any field of `reportFields`, and a listener for progress (`say`). */
export interface ReportOptions extends Given<typeof reportFields> {
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}

/** Result of `report`: the files that it wrote. */
export interface Reported {
  readonly report: Report
  /** Path of the page; `json`, `table` and `plots` are those of the JSON, the table and the folder of figures. */
  readonly page: string
  readonly json: string
  readonly table: string
  readonly plots: string
}

const ARGS = { options: withFields({ say: optional(callback) }) }

/**
 * Writes the matrix, report.json, a page and figures from the files of runs and evaluations.
 *
 * Errors: DATA_FORMAT for a file with a wrong format.
 */
export const report = longDoor('report', ARGS, async (options: ReportOptions = {}): Promise<Reported> => {
  const { say = () => {}, ...given } = options
  const { runs, out } = resolve('report', reportFields, given)
  say(`reading the runs in ${runs}`)
  const words = [basename(process.argv[1] ?? 'node'), ...process.argv.slice(2)]
  const made = await madeOf(out, async () => {
    const report = await stage('read the runs', async () => gather(runs, out, await imprint(runs, out, words)))
    await mkdir(out, { recursive: true })
    return { report, ...(await stage('figures and pages', () => formsOf(report, out, { folder: join(out, PLOTS), say }))) }
  })
  for (const [name, text] of Object.entries(made.texts)) await replaceText(out, name, text)
  const at = (name: string) => join(out, name)
  return { report: made.report, page: at(REPORT_PAGE), json: at(REPORT_JSON), table: at(REPORT_TABLE), plots: at(PLOTS) }
})
