import { cpus } from 'node:os'
import { atOnce } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { sha256 } from '../files/hash.js'
import { addonPath } from '../libtorch/load-libtorch.js'
import { type DType, type NativeModel, native } from '../native.js'
import { random } from '../statistics/random.js'
import { Tensor } from '../torch/tensor.js'
import type { Engine, Golden } from './run-manifest.js'

/** Eight golden rows, fewer of long contexts. */
const rowsOf = (context: number) => Math.min(8, atOnce(context))
/** Least cosine of outputs that kernels for few bits compute. */
const ALIKE = 0.999
const encode = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
function decode(text: string, count: number, what: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== 4 * count || count === 0)
    throw new LvmError('BAD_CHECKPOINT', `manifest.json: expected ${count} golden ${what} but received ${bytes.length / 4}`)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

let addonHash: Promise<string> | undefined
/** What computes here: where it is the same, results must be the same to the bit. */
export async function engine(device: string, dtype: string): Promise<Engine> {
  addonHash ??= sha256(addonPath())
  const cpu = `${cpus()[0]?.model ?? 'unknown'} ${native.cpuCapability()}`
  return {
    device,
    dtype,
    cpu,
    threads: native.threads(),
    multiplier: native.multiplier(),
    libtorch: native.libtorchVersion(),
    addon: await addonHash,
  }
}

/** Seeded unit vectors. Shapes: [rows, context, dim]. */
function goldenInputs(rows: number, context: number, dim: number): Float32Array {
  const normal = (i: number) => Math.sqrt(-2 * Math.log(1 - random(1, i))) * Math.cos(2 * Math.PI * random(2, i))
  const inputs = Float32Array.from({ length: rows * context * dim }, (_, i) => normal(i))
  for (let row = 0; row < rows * context; row++) {
    const vector = inputs.subarray(row * dim, (row + 1) * dim)
    const length = Math.hypot(...vector)
    vector.forEach((x, i) => {
      vector[i] = x / length
    })
  }
  return inputs
}

async function rawOutputs(model: NativeModel, inputs: Float32Array, rows: number, context: number): Promise<Float32Array> {
  const dim = inputs.length / (rows * context)
  using vectors = Tensor.from(inputs, [rows * context, dim])
  const first = Int32Array.from({ length: rows }, (_, i) => i * context)
  const samples = native.samples(vectors.native, null, first, first, context)
  try {
    using raw = Tensor.wrap(
      await native.predict(
        model,
        samples,
        Int32Array.from({ length: rows }, (_, i) => i),
        rows,
      ),
    )
    using single = await raw.to({ dtype: 'float32' })
    return (await single.data()) as Float32Array
  } finally {
    native.dispose(samples)
  }
}

/**
 * Golden rows of the files that hold the weights of a model, beside those that `kept` has of other files.
 *
 * Errors: DIVERGED when the outputs are not finite.
 */
export async function goldenRows(
  model: NativeModel,
  o: { context: number; dim: number; device: string; dtype: DType; names: readonly string[]; kept?: Golden | undefined },
): Promise<Golden> {
  const rows = rowsOf(o.context)
  const inputs = goldenInputs(rows, o.context, o.dim)
  const raw = await rawOutputs(model, inputs, rows, o.context)
  if (!raw.every(Number.isFinite))
    throw new LvmError('DIVERGED', 'checkpoint: expected weights with finite outputs but there are NaN or Inf')
  const here = await engine(o.device, o.dtype)
  const all = <T>(value: T) => Object.fromEntries(o.names.map((name) => [name, value]))
  return {
    context: o.context,
    rows,
    inputs: encode(inputs),
    outputs: { ...o.kept?.outputs, ...all(encode(raw)) },
    engines: { ...o.kept?.engines, ...all(here) },
  }
}

/** Cosine of two vectors that lie in larger arrays; NaN when one is not finite. */
function cosine(a: Float32Array, b: Float32Array, at: number, dim: number): number {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = at; i < at + dim; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return ab / Math.sqrt(aa * bb)
}

const inputsOf = (golden: Golden, dim: number) => decode(golden.inputs, golden.rows * golden.context * dim, 'inputs')

/** Kernels of two builds round at many places: a trained DistilGPT-2, which rounds up to 6e-6 of its outputs, was seen 3 times that apart. */
const ROUNDINGS = 8

/** How far outputs move when inputs move by their last bit: some models subtract large numbers, and no kernel is exact for them. */
async function lastBit(model: NativeModel, outputs: Float32Array, golden: Golden): Promise<number> {
  const inputs = inputsOf(golden, outputs.length / golden.rows)
  const moved = inputs.map((x, i) => x * (1 + (random(3, i) < 0.5 ? -1 : 1) * 2 ** -23))
  const others = await rawOutputs(model, moved, golden.rows, golden.context)
  return outputs.reduce((most, x, i) => Math.max(most, Math.abs(x - others[i]!)), 0)
}

/**
 * Runs the golden inputs again: equal to the bit where the same engine computed them, within 1e-5 (or some of the model's own roundings) on the same kind of device, 1e-3 on another, 5e-2 with weights in bfloat16; `approximate` ones, by kernels for few bits, within a cosine of .999.
 *
 * Errors: FOREIGN_FORWARD with the largest difference; BAD_CHECKPOINT when there are no golden rows.
 */
export async function checkGolden(
  model: NativeModel,
  golden: Golden,
  o: { run: string; name: string; dim: number; device: string; dtype: DType; approximate?: boolean },
): Promise<void> {
  const text = golden.outputs[o.name]
  if (text === undefined)
    throw new LvmError('BAD_CHECKPOINT', `${o.run}: expected golden outputs of ${o.name} in manifest.json but there are none`)
  const want = decode(text, golden.rows * o.dim, 'outputs')
  const got = await rawOutputs(model, inputsOf(golden, o.dim), golden.rows, golden.context)
  if (o.approximate === true) {
    const least = Math.min(...Array.from({ length: golden.rows }, (_, i) => cosine(got, want, i * o.dim, o.dim)))
    if (least >= ALIKE) return
    throw new LvmError(
      'FOREIGN_FORWARD',
      `${o.run}: expected outputs within a cosine of ${ALIKE} of those that ${o.name} was saved with but it is ${least.toFixed(4)}`,
    )
  }
  const here = await engine(o.device, o.dtype)
  const there = golden.engines[o.name]!
  const same = Object.entries(here).every(([key, value]) => there[key as keyof Engine] === value)
  const kind = (device: string) => device.split(':')[0]
  const rounding = o.dtype === 'bfloat16' ? 5e-2 : 1e-5
  const tolerance = same ? 0 : kind(here.device) === kind(there.device) ? rounding : Math.max(rounding, 1e-3)
  let [difference, scale] = [0, 0]
  want.forEach((value, i) => {
    difference = Math.max(difference, Number.isFinite(got[i]!) ? Math.abs(got[i]! - value) : Infinity)
    scale = Math.max(scale, Math.abs(value))
  })
  if (difference <= tolerance * scale) return
  if (!same && difference < Infinity && difference <= ROUNDINGS * (await lastBit(model, got, golden))) return
  throw new LvmError(
    'FOREIGN_FORWARD',
    `${o.run}: expected the outputs that ${o.name} was saved with, ${same ? 'to the bit' : `within ${tolerance}`}, but they differ by ${(difference / scale).toExponential(1)}`,
  )
}
