import type { Argv, CommandModule } from 'yargs'
import { answer, count, table } from '../output.js'

const percent = (part: number | null) => (part === null ? null : `${part > 0 ? '+' : ''}${(100 * part).toFixed(2)} %`)

const show: CommandModule = {
  command: 'show <name>',
  describe: 'one model as a tree of its parts, with parameter counts',
  builder: (y) => y.positional('name', { type: 'string', describe: 'the name of a model, such as lstm' }),
  handler: async ({ name, json }) => {
    const { showModel } = await import('../../lib/index.js')
    const model = showModel(String(name))
    answer(model, () => model.tree, json === true)
  },
}

export const models: CommandModule = {
  command: 'models',
  describe: 'list the models with their sizes and the sizes that were asked for, or show one',
  builder: (y: Argv) => y.command(show).example('$0 models show lstm', 'its parts and their parameters'),
  handler: async ({ json }) => {
    const { listModels } = await import('../../lib/index.js')
    const models = listModels()
    const text = () =>
      table(models, {
        row: (m) => m.row,
        name: (m) => m.name,
        parameters: (m) => count(m.parameters),
        target: (m) => (m.target === null ? null : count(m.target)),
        deviation: (m) => percent(m.deviation),
        folder: (m) => m.folder,
        status: (m) => m.status,
      })
    answer({ models }, text, json === true)
  },
}
