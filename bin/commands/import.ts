import type { CommandModule } from 'yargs'
import { runName } from '../../lib/checkpoint/run-folder.js'
import { badOption } from '../../lib/errors.js'
import type { ImportOptions } from '../../lib/index.js'
import { flag, integer, text } from '../../lib/options.js'
import { shellWord } from '../../lib/show.js'
import { type Architecture, PRESETS } from '../../lib/spec/architecture.js'
import { program } from '../command-line.js'
import { flags, given, valueOn } from '../flags.js'
import { answer, diagnostic, nearby } from '../output.js'
import { tensors } from '../progress.js'

const fields = {
  model: text({ default: undefined, about: 'model of the weights, such as lstm' }),
  modelFile: text({
    default: undefined,
    about: 'JavaScript file that exports an architecture of your own, whose options are options here too, instead of a model',
  }),
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

/** Options of an architecture from a file that are not options of this verb. */
const ownFields = (own: Architecture | undefined) =>
  Object.fromEntries(Object.entries(own?.fields ?? {}).filter(([key]) => !Object.hasOwn(fields, key)))

/** The verb `import`; the file of --model-file is read first, because its options are options of the verb. */
export async function importing(words: readonly string[] = process.argv.slice(2)): Promise<CommandModule> {
  const file = valueOn(words, '--model-file')
  const own = file === undefined ? undefined : await (await import('../../lib/train/model-file.js')).readModelFile(file)
  return {
    command: 'import <file>',
    describe: 'convert a PyTorch checkpoint or published weights to a run',
    builder: (y) =>
      y
        .positional('file', {
          type: 'string',
          describe: '.pt, .pth, .bin or .safetensors, or a folder in the layout of Hugging Face',
        })
        .options(flags(fields))
        .options(flags(ownFields(own)))
        .demandOption(own === undefined ? 'model' : [])
        .example('$0 import best_model.pt --model lstm', 'then evaluate it like any other run')
        .example('$0 import distilgpt2/ --model distilgpt2', 'published weights between new input and output layers')
        .example('$0 import state.pt --model-file mine.mjs', 'an architecture of your own'),
    handler: async (argv) => {
      if (own !== undefined && argv.model !== undefined)
        throw badOption('import', 'model', 'one of --model and --model-file', argv.model, 'leave the model out')
      const { importCheckpoint } = await import('../../lib/weights/import-run.js')
      const { modelFile: _, ...said } = given(fields, argv)
      const options = { ...said, file: String(argv.file), ...(own && { model: own, options: given(ownFields(own), argv) }) }
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
}
