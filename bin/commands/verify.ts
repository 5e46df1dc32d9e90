import type { CommandModule } from 'yargs'
import { LvmError } from '../../lib/errors.js'
import { verifyFields } from '../../lib/report/report-fields.js'
import { flags, given } from '../flags.js'
import { answer, fail, note } from '../output.js'

export const verify: CommandModule = {
  command: 'verify <report>',
  describe: 'compare every number and hash of a report with the files that it was made from',
  builder: (y) =>
    y
      .positional('report', { type: 'string', describe: 'report.html or report.json' })
      .options(flags(verifyFields))
      .example('$0 verify artifacts/lvm/evaluation/report.html', 'compare with the files of the runs')
      .example('$0 verify artifacts/lvm/evaluation/report.json --recompute', 'evaluate every run again, too'),
  handler: async (argv) => {
    const { verifiedText, verify } = await import('../../lib/report/verify-report.js')
    const found = await verify({ report: String(argv.report), ...given(verifyFields, argv), say: note })
    answer(found, () => verifiedText(found), argv.json === true)
    const count = found.problems.length
    if (!found.ok)
      fail(
        new LvmError('GATE_FAILED', `${found.report}: ${count} value${count === 1 ? ' differs' : 's differ'} from the files`, {
          hint: 'write the report again with: lvm-torch report',
        }),
      )
  },
}
