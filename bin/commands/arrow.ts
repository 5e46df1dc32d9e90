import type { CommandModule } from 'yargs'
import { arrowFields } from '../../lib/study/ceiling/ceiling-fields.js'
import { flags, given } from '../flags.js'
import { answer, note } from '../output.js'

export const arrowing: CommandModule = {
  command: 'arrow',
  describe: 'compare how well a text is predicted forward and backward',
  builder: (y) =>
    y.options(flags(arrowFields)).demandOption('data').example('$0 arrow --data wiki', 'one sentence with its p-value'),
  handler: async (argv) => {
    const { arrow } = await import('../../lib/study/ceiling/arrow.js')
    const { arrowPage } = await import('../../lib/study/ceiling/ceiling-page.js')
    const found = await arrow({ data: String(argv.data), ...given(arrowFields, argv) }, { say: note })
    answer(found, () => arrowPage(found), argv.json === true)
  },
}
