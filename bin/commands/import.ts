import type { CommandModule } from 'yargs'
import { flag, text } from '../../lib/options.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { answer } from '../output.js'

const fields = {
  model: text({ default: undefined, about: 'which model the weights are for, such as lstm' }),
  name: text({ default: undefined, about: 'name of the run that is made' }),
  overwrite: flag({ default: false, about: 'replace a run of that name' }),
}

export const importing: CommandModule = {
  command: 'import <file>',
  describe: 'turn a PyTorch checkpoint into a run',
  builder: (y) =>
    y
      .positional('file', { type: 'string', describe: 'a .pt file with a state dict' })
      .options(flags(fields))
      .demandOption('model')
      .example('$0 import best_model.pt --model lstm', 'then evaluate it like any other run'),
  handler: async (argv) => {
    const { importCheckpoint } = await import('../../lib/index.js')
    const made = await importCheckpoint({ file: String(argv.file), model: String(argv.model), ...given(fields, argv) })
    answer(made, () => `imported into ${made.run}\nnext: ${program()} evaluate ${made.run} --data FILE`, argv.json === true)
  },
}
