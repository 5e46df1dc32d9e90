import type { CommandModule } from 'yargs'
import { runName } from '../../lib/checkpoint/run-folder.js'
import type { ImportOptions } from '../../lib/index.js'
import { flag, integer, text } from '../../lib/options.js'
import { shellWord } from '../../lib/show.js'
import { PRESETS } from '../../lib/spec/architecture.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic, nearby } from '../output.js'
import { tensors } from '../progress.js'

const fields = {
  model: text({ default: undefined, about: 'which model the weights are for, such as lstm' }),
  name: text({ default: undefined, about: 'name of the run; the folder of the model unless given' }),
  out: text({ default: 'artifacts/lvm/models', about: 'where runs are kept' }),
  overwrite: flag({ default: false, about: 'replace a run that exists' }),
  space: text({ default: undefined, about: 'the encoder of the vectors it was trained on' }),
  context: integer({ default: undefined, min: 1, about: 'vectors in a context; 5 unless the file says so' }),
  dim: integer({
    default: undefined,
    min: 1,
    about: 'of published weights: numbers in a vector; 768 unless given',
  }),
  preset: text({
    default: undefined,
    about: 'of published weights: the model whose first layers they fill; one of their own shape unless given',
    expected: `one of ${PRESETS.join(', ')}`,
    matches: new RegExp(`^(${PRESETS.join('|')})$`),
  }),
}

export const importing: CommandModule = {
  command: 'import <file>',
  describe: 'turn a PyTorch checkpoint, or published weights, into a run',
  builder: (y) =>
    y
      .positional('file', { type: 'string', describe: '.pt, .pth, .bin or .safetensors, or a folder of Hugging Face' })
      .options(flags(fields))
      .demandOption('model')
      .example('$0 import best_model.pt --model lstm', 'then evaluate it like any other run')
      .example('$0 import distilgpt2/ --model distilgpt2', 'published weights, between new layers in and out'),
  handler: async (argv) => {
    const { importCheckpoint } = await import('../../lib/index.js')
    const options = { file: String(argv.file), model: String(argv.model), ...given(fields, argv) }
    const made = await importCheckpoint(options as ImportOptions)
    for (const warning of made.warnings) diagnostic(`warning: ${warning}`)
    const name = shellWord(runName(made.run))
    const isNew = made.weights.new.length > 0
    const next = isNew ? `train ${made.model} --data FILE --init ${name}` : `evaluate ${name} --data FILE`
    answer(
      made,
      () => `imported into ${nearby(made.run)}\n${tensors(made.weights)}\nnext: ${program()} ${next}`,
      argv.json === true,
    )
  },
}
