import { openBase } from '../data/open.js'
import { makeWindows } from '../data/windows.js'
import { badOption, LvmError } from '../errors.js'
import type { Options } from '../options.js'
import { permutation, random } from '../statistics/random.js'
import { Tensor } from '../torch/tensor.js'
import type { Connection } from './connection.js'
import type { LoadedModel } from './load-document.js'
import type { loadtestFields } from './loadtest-fields.js'
import type { AnswerForm, Message } from './request.js'

type Load = Options<typeof loadtestFields>

/** Different bodies of a load test; requests repeat them. */
const BODIES = 64

/** Requests of a load test: all that is the same in them, their bodies, and the form of a valid answer. */
export interface Requests {
  readonly message: Omit<Message, 'body'>
  readonly bodies: readonly Uint8Array[]
  readonly form: AnswerForm
}

/** Seeded contexts of unit vectors. Shapes: count · context · dim. */
function unitContexts(count: number, context: number, dim: number, seed: number): Float32Array {
  const values = Float32Array.from({ length: count * context * dim }, (_, i) => random(seed, i) - 0.5)
  for (let at = 0; at < values.length; at += dim) {
    const vector = values.subarray(at, at + dim)
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))
    for (let i = 0; i < dim; i++) vector[i]! /= length
  }
  return values
}

/** Seeded contexts of a file of vectors, repeated where it has fewer. Shapes: count · context · dim. Errors: those of openBase; BAD_OPTION. */
async function realContexts(path: string, count: number, context: number, dim: number, seed: number): Promise<Float32Array> {
  const base = await openBase(path)
  try {
    if (base.dim !== dim)
      throw badOption('loadtest', 'data', `vectors of dimension ${dim}, as the model reads`, `${path} (${base.dim})`)
    const { first, count: windows } = makeWindows(base, context)
    if (windows === 0) throw new LvmError('DATA_TOO_FEW', `loadtest: ${path} has no window of ${context} vectors`)
    const order = permutation(windows, seed)
    const rows = Array.from({ length: count }, (_, i) => first[order[i % windows]!]!)
    using index = Tensor.from(
      BigInt64Array.from(rows.flatMap((row) => Array.from({ length: context }, (_, i) => BigInt(row + i)))),
    )
    using taken = await base.vectors.op('aten::index_select', 0, index)
    using wide = await taken.to({ dtype: 'float32' }).ready()
    return (await wide.data()) as Float32Array
  } finally {
    base.dispose()
  }
}

/** Splits values into nested lists of these lengths, the innermost last. */
const nested = (values: Float32Array, [length, ...inner]: readonly number[]): unknown[] => {
  const step = values.length / length!
  return Array.from({ length: length! }, (_, i) => {
    const part = values.subarray(i * step, (i + 1) * step)
    return inner.length === 0 ? part[0] : nested(part, inner)
  })
}

const json = (document: object) => Buffer.from(JSON.stringify(document))

/** Prepares the requests of a load test. Errors: BAD_OPTION, those of the data. */
export async function requestsFor(model: LoadedModel, { base, headers }: Connection, o: Load): Promise<Requests> {
  const isSession = o.route === 'sessions'
  const context = isSession ? 1 : (o.context ?? model.context)
  const { dim } = model
  const count = BODIES * o.batch
  const values =
    o.data === undefined ? unitContexts(count, context, dim, o.seed) : await realContexts(o.data, count, context, dim, o.seed)
  const size = o.batch * context * dim
  const parts = Array.from({ length: BODIES }, (_, i) => values.subarray(i * size, (i + 1) * size))
  const shape = [o.batch, context, dim]
  const bodies = parts.map((part): Uint8Array => {
    if (o.raw) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
    if (isSession) return json({ vector: Array.from(part) })
    return json({ contexts: nested(part, shape), ...(o.route === 'retrieve' && { k: o.k }) })
  })
  const type = o.raw
    ? { 'content-type': 'application/octet-stream', 'x-shape': shape.join() }
    : { 'content-type': 'application/json' }
  const kind = o.raw ? 'bytes' : ({ predict: 'predictions', retrieve: 'results', sessions: 'prediction' } as const)[o.route]
  return {
    message: { path: `${base}/v1/${o.route}`, method: 'POST', headers: { ...headers, ...type } },
    bodies,
    form: { kind, batch: o.batch, dim },
  }
}
