import { Type } from '../../packages/typebox.js'
import { toJson } from '../engine-messages.js'
import type { ServedRun } from '../engine-types.js'
import type { App, Core } from './core.js'
import { answers } from './schemas.js'

const contexts = (description: string) =>
  Type.Object({ shortest: Type.Integer(), longest: Type.Union([Type.Integer(), Type.Null()]) }, { description })

const model = Type.Object({
  name: Type.String(),
  architecture: Type.String(),
  dim: Type.Integer(),
  context: Type.Integer({ description: 'Vectors of the longest context of the training' }),
  trained: contexts('Context lengths of the training, which requests may have; null: no bound'),
  contexts: contexts('Context lengths that the model can read, which requests may have with --any-context'),
  causal: Type.Boolean(),
  unit: Type.Boolean({ description: 'Whether every vector must have length 1' }),
  parameters: Type.Integer(),
  weights: Type.String({ description: 'SHA-256 of the weight file' }),
  scheme: Type.Union([Type.String(), Type.Null()]),
  space: Type.Union([Type.String(), Type.Null()]),
  device: Type.String(),
  threads: Type.Integer(),
  bank: Type.Union([Type.Object({ rows: Type.Integer(), hash: Type.String() }), Type.Null()]),
  state: Type.Enum(['ready', 'restarting', 'closed']),
})

/** Description of a run for clients: without the paths of this machine. */
function publicRun({ folder: _, bank, trained, contexts, ...run }: ServedRun) {
  return {
    ...run,
    trained: toJson(trained),
    contexts: toJson(contexts),
    bank: bank && { rows: bank.rows, hash: bank.hash },
  }
}

export function modelRoutes(app: App, core: Core): void {
  app.get(
    '/v1/models',
    {
      schema: {
        tags: ['Models'],
        summary: 'List the served runs',
        response: answers(Type.Object({ models: Type.Array(model) }, { description: 'The runs, the default first' })),
      },
    },
    async () => ({ models: core.models.list().map(({ engine }) => ({ ...publicRun(engine.run), state: engine.state })) }),
  )
}
