import { cpus } from 'node:os'
import { atOnce } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { sha256 } from '../files/hash.js'
import { addonPath } from '../libtorch/load-libtorch.js'
import { type DType, type NativeModel, native } from '../native.js'
import { random } from '../statistics/random.js'
import { Tensor } from '../torch/tensor.js'
import type { Engine, Golden } from './run-manifest.js'

/** Number of golden rows: 8, fewer for long contexts. */
const rowsOf = (context: number) => Math.min(8, atOnce(context))
/** Lowest accepted cosine for outputs of low-bit kernels. */
const LEAST_COSINE = 0.999
const encode = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
function decode(text: string, count: number, what: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== 4 * count || count === 0)
    throw new LvmError('BAD_CHECKPOINT', `manifest.json: expected ${count} golden ${what} but received ${bytes.length / 4}`)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

let addonHash: Promise<string> | undefined
/** Describes the hardware and software that compute here; on equal engines results are bit-identical. */
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

/** Draws seeded unit vectors. Shapes: [rows, context, dim]. */
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
    using single = await raw.to({ dtype: 'float32' }).ready()
    return (await single.data()) as Float32Array
  } finally {
    native.dispose(samples)
  }
}

/**
 * Computes the golden rows of the model for the weight files `names`, and adds those of `kept`.
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
    throw new LvmError('DIVERGED', 'checkpoint: expected weights with finite outputs but received NaN or Inf')
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

/** Cosine of two vectors at one offset of larger arrays; NaN if one is not finite. */
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

/** Accepted multiple of the model's conditioning: outputs of a trained DistilGPT-2 differed by 3 times theirs between two builds. */
const ULP_CHANGES = 8

/** Conditioning: the largest change of an output when every input changes by one ulp; large in models that subtract large numbers. */
async function changePerUlp(model: NativeModel, outputs: Float32Array, golden: Golden): Promise<number> {
  const inputs = inputsOf(golden, outputs.length / golden.rows)
  const moved = inputs.map((x, i) => x * (1 + (random(3, i) < 0.5 ? -1 : 1) * 2 ** -23))
  const others = await rawOutputs(model, moved, golden.rows, golden.context)
  return outputs.reduce((most, x, i) => Math.max(most, Math.abs(x - others[i]!)), 0)
}

/**
 * Recomputes the golden outputs and compares them with the stored ones.
 *
 * They must be bit-identical on the same engine, unless the model is `frozen`. Otherwise the tolerance, relative to the largest output, is 1e-5 on the same kind of
 * device, 1e-3 on another and 5e-2 with bfloat16 weights, or 8 times the model's conditioning if that is larger. `approximate` outputs, of
 * low-bit kernels, need a cosine of 0.999.
 *
 * Errors: FOREIGN_FORWARD with the largest difference; BAD_CHECKPOINT without golden rows.
 */
export async function checkGolden(
  model: NativeModel,
  golden: Golden,
  o: { run: string; name: string; dim: number; device: string; dtype: DType; approximate?: boolean; frozen?: boolean },
): Promise<void> {
  const text = golden.outputs[o.name]
  if (text === undefined)
    throw new LvmError('BAD_CHECKPOINT', `${o.run}: expected golden outputs of ${o.name} in manifest.json but there are none`)
  const want = decode(text, golden.rows * o.dim, 'outputs')
  const got = await rawOutputs(model, inputsOf(golden, o.dim), golden.rows, golden.context)
  if (o.approximate === true) {
    const least = Math.min(...Array.from({ length: golden.rows }, (_, i) => cosine(got, want, i * o.dim, o.dim)))
    if (least >= LEAST_COSINE) return
    throw new LvmError(
      'FOREIGN_FORWARD',
      `${o.run}: expected outputs with a cosine of at least ${LEAST_COSINE} to those saved with ${o.name} but it is ${least.toFixed(4)}`,
    )
  }
  const here = await engine(o.device, o.dtype)
  const there = golden.engines[o.name]!
  const same = o.frozen !== true && Object.entries(here).every(([key, value]) => there[key as keyof Engine] === value)
  const kind = (device: string) => device.split(':')[0]
  const rounding = o.dtype === 'bfloat16' ? 5e-2 : 1e-5
  const tolerance = same ? 0 : kind(here.device) === kind(there.device) ? rounding : Math.max(rounding, 1e-3)
  let [difference, scale] = [0, 0]
  want.forEach((value, i) => {
    difference = Math.max(difference, Number.isFinite(got[i]!) ? Math.abs(got[i]! - value) : Infinity)
    scale = Math.max(scale, Math.abs(value))
  })
  if (difference <= tolerance * scale) return
  if (!same && difference < Infinity && difference <= ULP_CHANGES * (await changePerUlp(model, got, golden))) return
  throw new LvmError(
    'FOREIGN_FORWARD',
    `${o.run}: expected the outputs saved with ${o.name}, ${same ? 'bit for bit' : `within ${tolerance}`}, but they differ by ${(difference / scale).toExponential(1)}`,
  )
}
