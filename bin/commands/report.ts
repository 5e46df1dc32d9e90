import type { CommandModule } from 'yargs'
import { reportFields } from '../../lib/report/report-fields.js'
import { flags, given } from '../flags.js'
import { answer, nearby, note } from '../output.js'

export const report: CommandModule = {
  command: 'report',
  describe: 'write the matrix, the figures and a page of all runs and evaluations',
  builder: (y) =>
    y.options(flags(reportFields)).example('$0 report', 'writes report.html, report.json, report.md and comparison_plots/'),
  handler: async (argv) => {
    const { markdown } = await import('../../lib/report/markdown.js')
    const { report } = await import('../../lib/report/report.js')
    const made = await report({ ...given(reportFields, argv), say: note })
    const text = () =>
      `${markdown(made.report)}\npage     ${nearby(made.page)}\nnumbers  ${nearby(made.json)}\ntable    ${nearby(made.table)}\nfigures  ${nearby(made.plots)}`
    answer(made.report, text, argv.json === true)
  },
}
