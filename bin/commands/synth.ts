import type { CommandModule } from 'yargs'
import { synthFields } from '../../lib/data/synth-fields.js'
import { counted } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer } from '../output.js'

export const synthesising: CommandModule = {
  command: 'synth',
  describe: 'write a synthetic corpus whose best possible cosine is known',
  builder: (y) =>
    y
      .options(flags(synthFields))
      .demandOption('out')
      .example('$0 synth --out directed.npy', 'easier to predict forward than backward')
      .example('$0 synth --kind reversible --dim 768 --rows 40000 --out r.npy', 'equally predictable in both directions'),
  handler: async (argv) => {
    const { synth } = await import('../../lib/data/synth.js')
    const made = await synth({ out: String(argv.out), ...given(synthFields, argv) })
    const { forward, backward } = made.optimum
    const text = () =>
      `${counted(made.rows, 'vector')} × ${made.dim} of ${counted(made.articles, 'article')} in ${made.out} (${made.kind})\nthe best possible mean cosine is ${forward.toFixed(4)} forward and ${backward.toFixed(4)} backward`
    answer(made, text, argv.json === true)
  },
}
