import { lengthRange } from '../../checkpoint/trained-contexts.js'
import { LvmError, shown } from '../../errors.js'
import { count } from '../../show.js'
import type { Contexted, ServedRun } from '../engine-types.js'

const bad = (key: string, expected: string, received: string): LvmError =>
  new LvmError('BAD_REQUEST', `request: expected ${expected} for "${key}" but received ${received}`)

function list(value: unknown, key: string, expected: string): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(key, expected, shown(value))
  return value
}

/** Limits of the contexts of one request. */
export interface ContextLimits {
  readonly maxBatch: number
  readonly anyContext: boolean
}

/** Checks the number of contexts and their length, before memory is taken for them. */
function checkSizes(batch: number, context: number, run: ServedRun, { maxBatch, anyContext }: ContextLimits): void {
  if (batch < 1) throw bad('contexts', 'at least one context', 'none')
  if (batch > maxBatch)
    throw new LvmError('TOO_LARGE', `request: expected at most ${maxBatch} contexts but received ${count(batch)}`, {
      hint: 'send fewer contexts in one request, or start the server with a larger --max-batch',
    })
  const accepted = anyContext ? run.contexts : run.trained
  if (context >= accepted.shortest && context <= accepted.longest) return
  throw new LvmError(
    'BAD_REQUEST',
    `request: expected ${lengthRange(accepted)} vectors in a context of ${run.name} but received ${context}`,
    {
      hint: anyContext
        ? 'this model cannot read other lengths'
        : 'send contexts of the length used in training, or start the server with --any-context',
    },
  )
}

/** Copies one vector from a list of numbers into `out`. */
function copyVector(value: unknown, out: Float32Array, at: number, dim: number, key: () => string): void {
  const vector = list(value, key(), `a list of ${dim} numbers`)
  if (vector.length !== dim) throw bad(key(), `${dim} numbers`, `${count(vector.length)}`)
  for (let i = 0; i < dim; i++) {
    const x = vector[i]
    if (typeof x !== 'number') throw bad(`${key()}[${i}]`, 'a number', shown(x))
    out[at + i] = x
  }
}

/** Difference from length 1 that counts as none. */
const UNIT = 0.01

/**
 * Checks that every vector is finite, not all zeros, and has length 1 when the model was trained on such vectors.
 *
 * Errors: DATA_NOT_FINITE, DATA_ZERO, DATA_NORM, with the place of the first vector at fault.
 */
export function checkVectors(x: Float32Array, { dim, unit, name }: ServedRun, key: (row: number) => string): void {
  for (let row = 0, at = 0; at < x.length; row++, at += dim) {
    let squares = 0
    for (let i = at; i < at + dim; i++) squares += x[i]! * x[i]! // cannot overflow: a float32 squared is far within float64
    if (!Number.isFinite(squares)) {
      const i = x.subarray(at, at + dim).findIndex((value) => !Number.isFinite(value))
      throw new LvmError('DATA_NOT_FINITE', `request: expected finite float32 values but "${key(row)}[${i}]" is not`, {
        hint: 'send values of magnitude below 3.4e38',
      })
    }
    if (squares === 0)
      throw new LvmError('DATA_ZERO', `request: expected a vector with a direction but "${key(row)}" is all zeros`)
    const length = Math.sqrt(squares)
    if (unit && Math.abs(length - 1) > UNIT)
      throw new LvmError(
        'DATA_NORM',
        `request: ${name} was trained on vectors of length 1, but "${key(row)}" has length ${length.toPrecision(4)}`,
        { hint: 'divide each vector by its length' },
      )
  }
}

/** Name of a vector in a batch, by its number. */
const place = (context: number) => (row: number) => `contexts[${Math.floor(row / context)}][${row % context}]`

/** Reads contexts from nested lists of numbers in one pass. Errors: BAD_REQUEST, TOO_LARGE, DATA_…. */
export function contextsFromLists(value: unknown, run: ServedRun, limits: ContextLimits): Contexted {
  const { dim } = run
  const contexts = list(value, 'contexts', 'a list of contexts')
  const context = contexts.length === 0 ? 0 : list(contexts[0], 'contexts[0]', 'a list of vectors').length
  checkSizes(contexts.length, context, run, limits)
  const x = new Float32Array(contexts.length * context * dim)
  for (let b = 0; b < contexts.length; b++) {
    const vectors = list(contexts[b], `contexts[${b}]`, 'a list of vectors')
    if (vectors.length !== context) throw bad(`contexts[${b}]`, `${context} vectors, as in contexts[0]`, `${vectors.length}`)
    for (let t = 0; t < context; t++) copyVector(vectors[t], x, (b * context + t) * dim, dim, () => `contexts[${b}][${t}]`)
  }
  checkVectors(x, run, place(context))
  return { contexts: x, batch: contexts.length, context }
}

/** Reads contexts from one flat list of numbers. Errors: as `contextsFromLists`. */
export function contextsFromFlat(
  values: readonly unknown[],
  shape: readonly number[],
  run: ServedRun,
  limits: ContextLimits,
): Contexted {
  const [batch, context, dim] = shape as [number, number, number]
  if (dim !== run.dim) throw bad('shape', `vectors of ${run.dim} numbers`, `${dim}`)
  checkSizes(batch, context, run, limits)
  const x = new Float32Array(batch * context * dim)
  copyVector(values, x, 0, x.length, () => 'data')
  checkVectors(x, run, place(context))
  return { contexts: x, batch, context }
}

/** Copies little-endian float32 values out of a body, which may begin at any byte. */
function floats(body: Buffer): Float32Array {
  const x = new Float32Array(body.length / 4)
  body.copy(Buffer.from(x.buffer))
  return x
}

/** Reads a header such as `8,5,768`. */
export function shapeOf(header: unknown, axes: readonly string[]): number[] {
  const text = typeof header === 'string' ? header : ''
  const sizes = text.split(',').map((size) => (/^ *\d{1,9} *$/.test(size) ? Number(size) : Number.NaN))
  if (sizes.length !== axes.length || sizes.some(Number.isNaN)) throw bad('X-Shape', axes.join(','), shown(header))
  return sizes
}

/** Reads contexts from little-endian float32 values in the shape of the header X-Shape. Errors: as `contextsFromLists`. */
export function contextsFromBytes(body: Buffer, header: unknown, run: ServedRun, limits: ContextLimits): Contexted {
  const [batch, context, dim] = shapeOf(header, ['B', 'T', 'D']) as [number, number, number]
  if (dim !== run.dim) throw bad('X-Shape', `vectors of ${run.dim} numbers`, `${dim}`)
  checkSizes(batch, context, run, limits)
  const size = 4 * batch * context * dim
  if (body.length !== size) throw bad('body', `${count(size)} bytes, as X-Shape says,`, count(body.length))
  const x = floats(body)
  checkVectors(x, run, place(context))
  return { contexts: x, batch, context }
}

/** Reads one vector from a list of numbers or from bytes. Errors: BAD_REQUEST, DATA_…. */
export function oneVector(value: unknown, run: ServedRun): Float32Array {
  const raw = Buffer.isBuffer(value)
  if (raw && value.length !== 4 * run.dim) throw bad('body', `${count(4 * run.dim)} bytes`, count(value.length))
  const x = raw ? floats(value) : new Float32Array(run.dim)
  if (!raw) copyVector(value, x, 0, run.dim, () => 'vector')
  checkVectors(x, run, () => 'vector')
  return x
}

/** Converts a batch of vectors to nested lists. */
export const toLists = (x: Float32Array, dim: number): number[][] =>
  Array.from({ length: x.length / dim }, (_, row) => Array.from(x.subarray(row * dim, (row + 1) * dim)))

/** Bytes of a batch of vectors, little-endian, without a copy. */
export const toBytes = (x: Float32Array): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength)
