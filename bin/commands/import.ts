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
  model: text({ default: undefined, about: 'model of the weights, such as lstm' }),
  name: text({ default: undefined, about: 'name of the run; by default the folder of the model' }),
  out: text({ default: 'artifacts/lvm/models', about: 'folder of the runs' }),
  overwrite: flag({ default: false, about: 'replace an existing run' }),
  space: text({ default: undefined, about: 'encoder of the training vectors' }),
  context: integer({
    default: undefined,
    min: 1,
    about: 'vectors per context; by default as recorded in the file, else 5',
  }),
  dim: integer({
    default: undefined,
    min: 1,
    about: 'dimension of the vectors, for published weights; 768 by default',
  }),
  preset: text({
    default: undefined,
    about: 'model whose first layers published weights fill; by default a model of their shape',
    expected: `one of ${PRESETS.join(', ')}`,
    matches: new RegExp(`^(${PRESETS.join('|')})$`),
  }),
}

export const importing: CommandModule = {
  command: 'import <file>',
  describe: 'convert a PyTorch checkpoint or published weights to a run',
  builder: (y) =>
    y
      .positional('file', {
        type: 'string',
        describe: '.pt, .pth, .bin or .safetensors, or a folder in the layout of Hugging Face',
      })
      .options(flags(fields))
      .demandOption('model')
      .example('$0 import best_model.pt --model lstm', 'then evaluate it like any other run')
      .example('$0 import distilgpt2/ --model distilgpt2', 'published weights between new input and output layers'),
  handler: async (argv) => {
    const { importCheckpoint } = await import('../../lib/weights/import-run.js')
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
