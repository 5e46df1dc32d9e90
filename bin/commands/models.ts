import type { Argv, CommandModule } from 'yargs'
import { badOption } from '../../lib/errors.js'
import { count, decimal, fixed, gigabytes, table } from '../../lib/show.js'
import { answer } from '../output.js'

const percent = (part: number | null) => (part === null ? null : `${fixed(100 * part, 2, '+')} %`)

const show: CommandModule = {
  command: 'show [name]',
  describe: 'show one model as a tree of its parts, with parameter counts at 768 dimensions',
  builder: (y) =>
    y
      .positional('name', { type: 'string', describe: 'name of a model, such as lstm' })
      .option('model-file', { describe: 'JavaScript file that exports an architecture of your own', requiresArg: true }),
  handler: async ({ name, modelFile, json }) => {
    if ((name === undefined) === (modelFile === undefined))
      throw badOption('models show', 'name', 'either a model or --model-file', name, 'give one of both')
    const { showModel } = await import('../../lib/models.js')
    const { printFolded } = await import('../../lib/spec/print.js')
    const own =
      modelFile !== undefined && (await (await import('../../lib/train/model-file.js')).readModelFile(String(modelFile)))
    const model = showModel(own || String(name))
    answer(model, () => printFolded(model.spec), json === true)
  },
}

export const models: CommandModule = {
  command: 'models',
  describe: 'list the models with their sizes and target sizes, or show one',
  builder: (y: Argv) => y.command(show).example('$0 models show lstm', 'its parts and their parameters'),
  handler: async ({ json }) => {
    const { listModels } = await import('../../lib/models.js')
    const models = listModels()
    const text = () =>
      `${table(models, {
        row: (m) => m.row,
        name: (m) => m.name,
        parameters: (m) => count(m.parameters),
        target: (m) => (m.target === null ? null : count(m.target)),
        deviation: (m) => percent(m.deviation),
        time: (m) => m.complexity,
        'memory T 5': (m) => gigabytes(m.memory_t5_bytes),
        'T 1,024': (m) => gigabytes(m.memory_t1024_bytes),
        status: (m) => m.status,
        'val cosine': (m) => (m.val_cosine === null ? null : decimal(m.val_cosine)),
        success: (m) => m.success,
      })}\n\nmemory: of training with batches of 32; success: the highest tier of the specification that the run here reaches`
    answer({ models }, text, json === true)
  },
}
