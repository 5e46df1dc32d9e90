import { LvmError } from '../../errors.js'
import { type Static, Type } from '../../packages/typebox.js'
import type { ServedRun } from '../engine-types.js'
import { type App, askedBy, type Core, remember } from './core.js'
import { isReady } from './health-routes.js'
import { binaryInfer, inferBody, inferred, jsonInfer, sendInferred } from './kserve-tensors.js'
import { commonHeaders, header } from './request-contexts.js'
import { answers, BYTES_TYPE, bytes, either, exactly, JSON_TYPE } from './schemas.js'

const tags = ['KServe V2']
const params = exactly({ model: Type.String({ maxLength: 256 }) })
const tensor = Type.Object({ name: Type.String(), datatype: Type.Literal('FP32'), shape: Type.Array(Type.Integer()) })
const about = Type.Object(
  {
    name: Type.String(),
    platform: Type.String(),
    inputs: Type.Array(tensor),
    outputs: Type.Array(tensor),
  },
  { description: 'The tensors of a run; −1 stands for any size' },
)
const ready = Type.Object({ name: Type.String(), ready: Type.Boolean() }, { description: 'Whether the run takes requests' })
const serverReady = Type.Object({ ready: Type.Boolean() }, { description: 'Whether the server takes requests' })
const server = Type.Object(
  { name: Type.String(), version: Type.String(), extensions: Type.Array(Type.String()) },
  { description: 'The server' },
)

/** Tensors of a run. */
const tensorsOf = ({ name, dim, trained: { shortest, longest } }: ServedRun, anyContext: boolean) => ({
  name,
  platform: 'lvm-torch',
  inputs: [{ name: 'contexts', datatype: 'FP32' as const, shape: [-1, anyContext || shortest !== longest ? -1 : longest, dim] }],
  outputs: [{ name: 'predictions', datatype: 'FP32' as const, shape: [-1, dim] }],
})

function metadataRoutes(app: App, core: Core): void {
  app.get('/v2', { schema: { tags, summary: 'Name the server', response: answers(server) } }, async () => ({
    name: 'lvm-torch',
    version: '1',
    extensions: ['binary_tensor_data'],
  }))
  const live = Type.Object({ live: Type.Boolean() }, { description: 'It does' })
  app.get('/v2/health/live', { schema: { tags, summary: 'Whether the process answers', response: answers(live) } }, async () => ({
    live: true,
  }))
  app.get(
    '/v2/health/ready',
    { schema: { tags, summary: 'Whether the server takes requests', response: { 200: serverReady, 503: serverReady } } },
    async (_request, reply) => {
      reply.code(isReady(core) ? 200 : 503)
      return { ready: isReady(core) }
    },
  )
  app.get(
    '/v2/models/:model',
    { schema: { tags, summary: 'Describe a run', params, response: answers(about) } },
    async (request) => tensorsOf(core.models.named(request.params.model).engine.run, core.settings.anyContext),
  )
  app.get(
    '/v2/models/:model/ready',
    { schema: { tags, summary: 'Whether a run takes requests', params, response: { ...answers(ready), 503: ready } } },
    async (request, reply) => {
      const { engine } = core.models.named(request.params.model)
      const isUp = engine.state === 'ready' && !core.draining
      return reply.code(isUp ? 200 : 503).send({ name: engine.run.name, ready: isUp })
    },
  )
}

const inferSchema = {
  tags,
  summary: 'Predict the next vector of each context',
  params,
  headers: Type.Object({
    ...commonHeaders,
    'inference-header-content-length': header('Bytes of the JSON before binary tensors'),
  }),
  body: either(inferBody, bytes('JSON as above, then the bytes of the tensor (binary tensor data extension)')),
  response: answers({
    description: 'The predictions',
    content: { [JSON_TYPE]: { schema: inferred }, [BYTES_TYPE]: { schema: bytes('JSON, then the bytes of the tensor') } },
  }),
}

export function kserveRoutes(app: App, core: Core): void {
  metadataRoutes(app, core)
  app.post('/v2/models/:model/infer', { schema: inferSchema }, async (request, reply) => {
    const served = core.models.named(request.params.model)
    remember(request, reply, { served, split: null })
    const { engine } = served
    const { body } = request
    const { asked, x } = Buffer.isBuffer(body)
      ? binaryInfer(body, request.headers['inference-header-content-length'], engine.run, core.settings)
      : jsonInfer(body as Static<typeof inferBody>, engine.run, core.settings)
    if (asked.outputs?.some(({ name }) => name !== 'predictions'))
      throw new LvmError('BAD_REQUEST', 'request: expected only "predictions" in outputs')
    const y = await engine.predict(x, askedBy(request, reply, core))
    return sendInferred(reply, asked, engine.run, y, x.batch)
  })
}
