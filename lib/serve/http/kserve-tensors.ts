import type { FastifyReply } from 'fastify'
import { LvmError, shown } from '../../errors.js'
import { type Static, Type } from '../../packages/typebox.js'
import type { Contexted, ServedRun } from '../engine-types.js'
import { type ContextLimits, contextsFromBytes, contextsFromFlat, contextsFromLists, toBytes } from './read-vectors.js'
import { BYTES_TYPE, compileCheck, exactly, numbers } from './schemas.js'

const parameters = Type.Optional(Type.Record(Type.String(), Type.Unknown()))
const size = Type.Integer({ minimum: 0, maximum: 1_000_000_000 })

const input = exactly({
  name: Type.Literal('contexts'),
  shape: Type.Array(size, { minItems: 3, maxItems: 3, description: 'batch, context, dim' }),
  datatype: Type.Literal('FP32'),
  data: Type.Optional(numbers([], 'The values in row-major order, flat or nested')),
  parameters,
})
const output = exactly({ name: Type.String(), parameters })

/** Body of an inference request. Source: Open Inference Protocol V2 */
export const inferBody = exactly({
  id: Type.Optional(Type.String({ maxLength: 256 })),
  parameters,
  inputs: Type.Array(input, { minItems: 1, maxItems: 1 }),
  outputs: Type.Optional(Type.Array(output, { maxItems: 16 })),
})
type InferBody = Static<typeof inferBody>

export const inferred = Type.Object({
  model_name: Type.String(),
  id: Type.Optional(Type.String()),
  outputs: Type.Array(
    Type.Object({
      name: Type.String(),
      shape: Type.Array(Type.Integer()),
      datatype: Type.Literal('FP32'),
      data: Type.Optional(Type.Array(Type.Number())),
      parameters: Type.Optional(Type.Object({ binary_data_size: Type.Integer() })),
    }),
  ),
})

const bad = (sentence: string) => new LvmError('BAD_REQUEST', `request: ${sentence}`)

/** Contexts of a request, and its other keys. */
export interface InferRequest {
  readonly asked: InferBody
  readonly x: Contexted
}

/** Reads a request whose tensor is in JSON. Errors: as `contextsFromLists`. */
export function jsonInfer(asked: InferBody, run: ServedRun, limits: ContextLimits): InferRequest {
  const { data, shape } = asked.inputs[0]!
  if (!Array.isArray(data)) throw bad('expected "data" in inputs[0] but received none')
  if (!Array.isArray(data[0])) return { asked, x: contextsFromFlat(data, shape, run, limits) }
  const x = contextsFromLists(data, run, limits)
  if (shape.join() !== `${x.batch},${x.context},${run.dim}`) throw bad(`inputs[0].shape is ${shown(shape)}, but data has another`)
  return { asked, x }
}

const checkBody = compileCheck({ schema: inferBody, method: 'POST', url: '', httpPart: 'body' })

/** Reads a request whose tensor follows its JSON as bytes. Errors: as `contextsFromLists`. */
export function binaryInfer(body: Buffer, header: unknown, run: ServedRun, limits: ContextLimits): InferRequest {
  const length = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : Number.NaN
  if (!(length <= body.length))
    throw bad(`expected a length within the body for "Inference-Header-Content-Length" but received ${shown(header)}`)
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8', 0, length))
  } catch {
    throw bad('the first bytes of the body are not JSON')
  }
  const checked = checkBody(parsed) as { value?: InferBody; error?: Error }
  if (checked.value === undefined) throw checked.error
  const { data, shape, parameters } = checked.value.inputs[0]!
  if (data !== undefined) return jsonInfer(checked.value, run, limits)
  const bytes = body.subarray(length)
  if (parameters?.binary_data_size !== bytes.length)
    throw bad(`binary_data_size is ${shown(parameters?.binary_data_size)}, but ${bytes.length} bytes follow the JSON`)
  return { asked: checked.value, x: contextsFromBytes(bytes, shape.join(), run, limits) }
}

/** Sends predictions as JSON, or as bytes where the request asks for them. */
export function sendInferred(reply: FastifyReply, asked: InferBody, run: ServedRun, y: Float32Array, batch: number) {
  const wanted = asked.outputs?.[0]?.parameters?.binary_data ?? asked.parameters?.binary_data_output ?? false
  const tensor = { name: 'predictions', shape: [batch, run.dim], datatype: 'FP32' }
  const answer = { model_name: run.name, ...(asked.id === undefined ? {} : { id: asked.id }) }
  if (wanted !== true) return reply.send({ ...answer, outputs: [{ ...tensor, data: Array.from(y) }] })
  const values = toBytes(y)
  const json = Buffer.from(
    JSON.stringify({ ...answer, outputs: [{ ...tensor, parameters: { binary_data_size: values.length } }] }),
  )
  return reply
    .header('inference-header-content-length', json.length)
    .type(BYTES_TYPE)
    .send(Buffer.concat([json, values]))
}
