import { Type } from '../../packages/typebox.js'
import type { App, Core } from './core.js'
import { answers } from './schemas.js'
import type { ServedModels } from './served-models.js'

/** Whether the server takes requests: it is not stopping, and every run has its inference process. */
export const isReady = ({ models, draining }: { readonly models: ServedModels; readonly draining: boolean }): boolean =>
  !draining && models.list().every(({ engine }) => engine.state === 'ready')

const readiness = Type.Object(
  {
    status: Type.Enum(['ready', 'restarting', 'stopping']),
    models: Type.Record(Type.String(), Type.Enum(['ready', 'restarting', 'closed'])),
  },
  { description: 'Whether the server takes requests' },
)

/** Routes of probes and monitoring; the first two need no key. */
export function healthRoutes(app: App, core: Core): void {
  const tags = ['Health']
  app.get(
    '/livez',
    {
      schema: {
        tags,
        summary: 'Whether the process answers',
        response: answers(Type.Object({ status: Type.Literal('live') }, { description: 'It does' })),
      },
    },
    async () => ({ status: 'live' }),
  )
  app.get(
    '/readyz',
    { schema: { tags, summary: 'Whether the server takes requests', response: { 200: readiness, 503: readiness } } },
    async (_request, reply) => {
      const ready = isReady(core)
      if (!ready) reply.code(503).header('retry-after', 1)
      return {
        status: core.draining ? ('stopping' as const) : ready ? ('ready' as const) : ('restarting' as const),
        models: Object.fromEntries(core.models.list().map(({ engine }) => [engine.run.name, engine.state])),
      }
    },
  )
  app.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: 'Metrics for Prometheus',
        response: answers({ description: 'Metrics', content: { 'text/plain': { schema: Type.String() } } }),
      },
    },
    async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await core.metrics.text()),
  )
}
