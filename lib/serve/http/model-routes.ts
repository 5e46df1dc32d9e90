import { Type } from 'typebox'
import type { ServedRun } from '../engine-types.js'
import type { App, Core } from './core.js'
import { answers } from './schemas.js'

const model = Type.Object({
  name: Type.String(),
  architecture: Type.String(),
  dim: Type.Integer(),
  context: Type.Integer({ description: 'Context length of the training' }),
  contexts: Type.Object({ shortest: Type.Integer(), longest: Type.Union([Type.Integer(), Type.Null()]) }),
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
function publicRun({ folder: _, bank, contexts: { shortest, longest }, ...run }: ServedRun) {
  return {
    ...run,
    contexts: { shortest, longest: Number.isFinite(longest) ? longest : null },
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
