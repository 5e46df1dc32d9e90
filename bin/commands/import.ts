import type { CommandModule } from 'yargs'
import { runName } from '../../lib/checkpoint/folder.js'
import { flag, integer, text } from '../../lib/options.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic, nearby } from '../output.js'

const fields = {
  model: text({ default: undefined, about: 'which model the weights are for, such as lstm' }),
  name: text({ default: undefined, about: 'name of the run; the folder of the model unless given' }),
  out: text({ default: 'artifacts/lvm/models', about: 'where runs are kept' }),
  overwrite: flag({ default: false, about: 'replace a run that exists' }),
  space: text({ default: undefined, about: 'the encoder of the vectors it was trained on' }),
  context: integer<number | undefined>({ default: undefined, min: 1, about: 'vectors in a context; 5 unless the file says so' }),
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
    for (const warning of made.warnings) diagnostic(`warning: ${warning}`)
    const next = `${program()} evaluate ${runName(made.run)} --data FILE`
    answer(made, () => `imported into ${nearby(made.run)}\nnext: ${next}`, argv.json === true)
  },
}
