import type { CommandModule } from 'yargs'
import { shellWord } from '../../lib/show.js'
import { ceilingFields } from '../../lib/study/ceiling/ceiling-fields.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { manner } from '../manner.js'
import { answer, nearby, note, print } from '../output.js'

/** Training windows from which the recipe «strong» is worth its time. */
const STRONG = 30_000

export const reaching: CommandModule = {
  command: 'ceiling',
  describe: 'compute a lower bound of the cosine that a model can reach on a file, before any training',
  builder: (y) =>
    y
      .options(flags(ceilingFields))
      .demandOption('data')
      .example('$0 ceiling --data wiki', 'a table of the cosines of simple predictors on held-out articles'),
  handler: async (argv) => {
    const { ceiling } = await import('../../lib/study/ceiling/ceiling.js')
    const { ceilingPage } = await import('../../lib/study/ceiling/ceiling-page.js')
    const found = await ceiling({ data: String(argv.data), ...given(ceilingFields, argv) }, { say: note })
    const json = argv.json === true
    answer(found, () => ceilingPage(found), json)
    const recipe = found.train.windows < STRONG ? 'small' : 'strong'
    const context =
      argv.context === undefined || argv.context === ceilingFields.context.default ? '' : ` --context ${argv.context}`
    if (!json && !manner.quiet)
      print(`\nnext: ${program()} train lstm --data ${shellWord(nearby(found.data.path))} --recipe ${recipe}${context}`)
  },
}
