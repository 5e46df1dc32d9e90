import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import { LvmError } from '../../errors.js'
import type { Contexted } from '../engine-types.js'
import { type App, askedBy, type Core, chooseFor } from './core.js'
import { contextsFromBytes, contextsFromLists, toBytes, toLists } from './read-vectors.js'
import { answers, BYTES_TYPE, bytes, either, exactly, JSON_TYPE, modelName, numbers } from './schemas.js'
import type { Choice } from './served-models.js'

const contexts = numbers(['batch', 'context', 'dim'], 'Contexts, each with the vectors that come before the predicted one')
const rawContexts = bytes('float32 values, little-endian, in the shape of the header X-Shape: B,T,D')

const predictBody = exactly({ contexts, model: modelName })
const rolloutBody = exactly({
  contexts,
  steps: Type.Integer({ minimum: 1, maximum: 1000, description: 'Vectors to predict; each is fed back as input' }),
  model: modelName,
})
const retrieveBody = exactly({
  contexts,
  k: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 10, description: 'Rows to find for each context' })),
  exclude: Type.Optional(
    Type.Array(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }), {
      maxItems: 100_000,
      description: 'Rows of the bank that are not wanted',
    }),
  ),
  model: modelName,
})

const found = exactly({
  row: Type.Integer(),
  cosine: Type.Number(),
  article: Type.Union([Type.String(), Type.Number(), Type.Null()]),
  text: Type.Union([Type.String(), Type.Null()]),
})

const vectors = (axes: string[], description: string) => numbers(axes, description)
/** Answers of a route that returns vectors, as JSON or as bytes. */
const predicted = (axes: string[], description: string) =>
  answers({
    description,
    content: {
      [JSON_TYPE]: { schema: Type.Object({ predictions: vectors(axes, description) }) },
      [BYTES_TYPE]: { schema: bytes(`${description}, in the shape of the header X-Shape`) },
    },
  })

/** Headers that choose the run and the time limit. */
export const commonHeaders = {
  'x-model': Type.Optional(Type.String({ description: 'Name of the run' })),
  'x-client-id': Type.Optional(Type.String({ description: 'Id that --split assigns to a run' })),
  'x-deadline-ms': Type.Optional(Type.String({ description: 'Time limit in ms; at most that of the server' })),
}
const headers = Type.Object({
  ...commonHeaders,
  'x-shape': Type.Optional(Type.String({ description: 'Shape of a binary body: B,T,D' })),
})

/** Reads the contexts of a JSON or binary body. */
function readContexts(request: FastifyRequest, { served }: Choice, { settings }: Core): Contexted {
  const { body } = request
  const { run } = served.engine
  return Buffer.isBuffer(body)
    ? contextsFromBytes(body, request.headers['x-shape'], run, settings)
    : contextsFromLists((body as Static<typeof predictBody>).contexts, run, settings)
}

/** Sends vectors in the form in which the request came. */
export function sendVectors(
  request: FastifyRequest,
  reply: FastifyReply,
  x: Float32Array,
  shape: readonly number[],
): FastifyReply {
  const dim = shape.at(-1)!
  if (Buffer.isBuffer(request.body)) {
    return reply.header('x-shape', shape.join(',')).type(BYTES_TYPE).send(toBytes(x))
  }
  const rows = toLists(x, dim)
  const steps = shape.length === 3 ? shape[1]! : 0
  return reply.send({ predictions: steps === 0 ? rows : chunks(rows, steps) })
}

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size))

/** The keys of a JSON body; a binary body has none. */
const keysOf = <S extends TSchema>(request: FastifyRequest): Partial<Static<S>> =>
  Buffer.isBuffer(request.body) ? {} : (request.body as Static<S>)

/** Reads a header with integers separated by commas. Errors: BAD_REQUEST. */
function integers(request: FastifyRequest, name: string): number[] | undefined {
  const text = request.headers[name]
  if (text === undefined) return undefined
  const list = String(text)
    .split(',')
    .map((part) => (/^ *\d{1,10} *$/.test(part) ? Number(part) : Number.NaN))
  if (list.some((n) => !(n < 2 ** 31)))
    throw new LvmError('BAD_REQUEST', `request: expected integers separated by commas for "${name}"`)
  return list
}

/** Reads one integer between two bounds from a header. Errors: BAD_REQUEST. */
function integer(request: FastifyRequest, name: string, most: number): number | undefined {
  const list = integers(request, name)
  if (list !== undefined && (list.length !== 1 || list[0]! < 1 || list[0]! > most))
    throw new LvmError('BAD_REQUEST', `request: expected an integer from 1 to ${most} for "${name}"`)
  return list?.[0]
}

export function predictRoutes(app: App, core: Core): void {
  const tags = ['Predictions']
  app.post(
    '/v1/predict',
    {
      schema: {
        tags,
        summary: 'Predict the next vector of each context',
        headers,
        body: either(predictBody, rawContexts),
        response: predicted(['batch', 'dim'], 'One unit vector for each context'),
      },
    },
    async (request, reply) => {
      const choice = chooseFor(request, reply, core, keysOf<typeof predictBody>(request).model)
      const x = readContexts(request, choice, core)
      const { engine } = choice.served
      return sendVectors(request, reply, await engine.predict(x, askedBy(request, reply, core)), [x.batch, engine.run.dim])
    },
  )
  app.post(
    '/v1/rollout',
    {
      schema: {
        tags,
        summary: 'Predict several vectors after each context, feeding each back as input',
        headers: Type.Object({
          ...headers.properties,
          'x-steps': Type.Optional(Type.String({ description: 'Steps, with a binary body' })),
        }),
        body: either(rolloutBody, rawContexts),
        response: predicted(['batch', 'steps', 'dim'], 'Unit vectors, one for each step of each context'),
      },
    },
    async (request, reply) => {
      const keys = keysOf<typeof rolloutBody>(request)
      const choice = chooseFor(request, reply, core, keys.model)
      const x = readContexts(request, choice, core)
      const steps = keys.steps ?? integer(request, 'x-steps', 1000)
      if (steps === undefined)
        throw new LvmError('BAD_REQUEST', 'request: expected an integer from 1 to 1000 for "X-Steps" but received none')
      const { engine } = choice.served
      const y = await engine.rollout(x, steps, askedBy(request, reply, core))
      return sendVectors(request, reply, y, [x.batch, steps, engine.run.dim])
    },
  )
  app.post(
    '/v1/retrieve',
    {
      schema: {
        tags,
        summary: 'Predict the next vector of each context and find the nearest rows of the bank',
        headers: Type.Object({
          ...headers.properties,
          'x-k': Type.Optional(Type.String({ description: 'Rows to find, with a binary body' })),
          'x-exclude': Type.Optional(
            Type.String({ description: 'Rows that are not wanted, separated by commas, with a binary body' }),
          ),
        }),
        body: either(retrieveBody, rawContexts),
        response: answers(
          Type.Object(
            { results: Type.Array(Type.Array(found)) },
            { description: 'For each context the rows found, the nearest first' },
          ),
        ),
      },
    },
    async (request, reply) => {
      const keys = keysOf<typeof retrieveBody>(request)
      const choice = chooseFor(request, reply, core, keys.model)
      const { engine } = choice.served
      if (engine.run.bank === null)
        throw new LvmError('NOT_FOUND', `request: ${engine.run.name} is served without a bank`, {
          hint: 'start the server with --bank FILE',
        })
      const x = readContexts(request, choice, core)
      const k = keys.k ?? integer(request, 'x-k', 1000) ?? 10
      const exclude = Int32Array.from(keys.exclude ?? integers(request, 'x-exclude') ?? [])
      return { results: await engine.retrieve(x, { k, exclude }, askedBy(request, reply, core)) }
    },
  )
}
