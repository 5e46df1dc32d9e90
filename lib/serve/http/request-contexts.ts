import type { FastifyReply, FastifyRequest } from 'fastify'
import { LvmError, shown } from '../../errors.js'
import { type TSchema, Type } from '../../packages/typebox.js'
import type { Contexted } from '../engine-types.js'
import type { Core } from './core.js'
import { contextsFromBytes, contextsFromLists, toBytes, toLists } from './read-vectors.js'
import { answers, BYTES_TYPE, bytes, JSON_TYPE, numbers } from './schemas.js'
import type { Choice } from './served-models.js'

export const contextsSchema = numbers(
  ['batch', 'context', 'dim'],
  'Contexts, each with the vectors that come before the predicted one',
)
export const contextBytes = bytes('float32 values, little-endian, in the shape of the header X-Shape: B,T,D')

/** An optional header. */
export const header = (description: string) => Type.Optional(Type.String({ description }))

/** Headers that choose the run and the time limit. */
export const commonHeaders = {
  'x-model': header('Name of the run'),
  'x-client-id': header('Id by which --split assigns a client to a run'),
  'x-deadline-ms': header('Time limit in ms; at most that of the server'),
}

/** Headers of a route that reads contexts. */
export const contextHeaders = <H extends Record<string, TSchema>>(more: H) =>
  Type.Object({ ...commonHeaders, 'x-shape': header('Shape of a binary body: B,T,D'), ...more })

/** Answers of a route that returns vectors, as JSON or as bytes. */
export const vectorAnswers = (axes: readonly string[], description: string) =>
  answers({
    description,
    content: {
      [JSON_TYPE]: { schema: Type.Object({ predictions: numbers(axes, description) }) },
      [BYTES_TYPE]: { schema: bytes(`${description}, in the shape of the header X-Shape`) },
    },
  })

/** The keys of a JSON body; a binary body has none. */
export const keysOf = <Body extends object>(request: FastifyRequest): Partial<Body> =>
  Buffer.isBuffer(request.body) ? {} : (request.body as Body)

/** Reads the contexts of a JSON or binary body. Errors: as `contextsFromLists`. */
export function readContexts(request: FastifyRequest, { served }: Choice, { settings }: Core): Contexted {
  const { body } = request
  const { run } = served.engine
  return Buffer.isBuffer(body)
    ? contextsFromBytes(body, request.headers['x-shape'], run, settings)
    : contextsFromLists((body as { contexts: unknown }).contexts, run, settings)
}

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size))

/** Sends vectors in the form in which the request came. */
export function sendVectors(request: FastifyRequest, reply: FastifyReply, x: Float32Array, shape: readonly number[]) {
  if (Buffer.isBuffer(request.body)) return reply.header('x-shape', shape.join(',')).type(BYTES_TYPE).send(toBytes(x))
  const rows = toLists(x, shape.at(-1)!)
  return reply.send({ predictions: shape.length === 3 ? chunks(rows, shape[1]!) : rows })
}

/** Reads a header with integers separated by commas; undefined without it. Errors: BAD_REQUEST. */
export function integersOf(request: FastifyRequest, name: string): number[] | undefined {
  const text = request.headers[name]
  if (text === undefined) return undefined
  const list = String(text)
    .split(',')
    .map((part) => (/^ *\d{1,10} *$/.test(part) ? Number(part) : Number.NaN))
  if (list.every((n) => n < 2 ** 31)) return list
  throw new LvmError('BAD_REQUEST', `request: expected integers separated by commas for "${name}" but received ${shown(text)}`)
}

/** Reads a header with one integer from 1 to `most`; undefined without it. Errors: BAD_REQUEST. */
export function integerOf(request: FastifyRequest, name: string, most: number): number | undefined {
  const [value, ...more] = integersOf(request, name) ?? []
  if (value === undefined || (more.length === 0 && value >= 1 && value <= most)) return value
  throw new LvmError(
    'BAD_REQUEST',
    `request: expected an integer from 1 to ${most} for "${name}" but received ${shown(request.headers[name])}`,
  )
}
