import type { Argv, CommandModule } from 'yargs'
import { count, gigabytes, table } from '../../lib/show.js'
import { answer } from '../output.js'

const percent = (part: number | null) => (part === null ? null : `${part > 0 ? '+' : ''}${(100 * part).toFixed(2)} %`)

const show: CommandModule = {
  command: 'show <name>',
  describe: 'show one model as a tree of its parts, with parameter counts',
  builder: (y) => y.positional('name', { type: 'string', describe: 'name of a model, such as lstm' }),
  handler: async ({ name, json }) => {
    const { showModel } = await import('../../lib/models.js')
    const { printFolded } = await import('../../lib/spec/print.js')
    const model = showModel(String(name))
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
        'val cosine': (m) => m.val_cosine?.toFixed(4),
        success: (m) => m.success,
      })}\n\nmemory: of training with batches of 32; success: the highest tier of the specification that the run here reaches`
    answer({ models }, text, json === true)
  },
}
