import type { CommandModule } from 'yargs'
import { ceilingFields } from '../../lib/study/ceiling/ceiling-fields.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic } from '../output.js'

export const reaching: CommandModule = {
  command: 'ceiling',
  describe: 'compute a lower bound of the cosine that a model can reach on a file, before any training',
  builder: (y) =>
    y
      .options(flags(ceilingFields))
      .demandOption('data')
      .example('$0 ceiling --data wiki', 'a table of the cosines of simple predictors on held-out articles'),
  handler: async (argv) => {
    const { ceiling, ceilingPage } = await import('../../lib/index.js')
    const found = await ceiling({ data: String(argv.data), ...given(ceilingFields, argv) }, { say: diagnostic })
    answer(found, () => ceilingPage(found), argv.json === true)
  },
}
