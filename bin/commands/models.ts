import type { Argv, CommandModule } from 'yargs'
import { answer, count, table } from '../output.js'

const percent = (part: number | null) => (part === null ? null : `${part > 0 ? '+' : ''}${(100 * part).toFixed(2)} %`)

const list: CommandModule = {
  command: '$0',
  describe: 'the matrix: every model with its size and the size that was asked for',
  builder: (y) => y,
  handler: async ({ json }) => {
    const { listModels } = await import('../../lib/index.js')
    const models = listModels()
    const text = () =>
      table(models, {
        row: (m) => m.row,
        name: (m) => m.name,
        parameters: (m) => count(m.parameters),
        target: (m) => m.target,
        deviation: (m) => percent(m.deviation),
        folder: (m) => m.folder,
        status: (m) => m.status,
      })
    answer({ models }, text, json === true)
  },
}

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
  describe: 'list the models, or show one as a tree of its parts',
  builder: (y: Argv) => y.command(list).command(show).example('$0 models show lstm', 'its parts and their parameters'),
  handler: () => {},
}
