import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { weightsDtype } from '../checkpoint/run-manifest.js'
import { fill } from '../checkpoint/run-weights.js'
import { LvmError } from '../errors.js'
import { type DType, type NativeModel, native } from '../native.js'
import { contextsOf } from '../spec/contexts.js'
import { random } from '../statistics/random.js'
import { TorchScriptModule } from '../torch/script.js'
import { Tensor } from '../torch/tensor.js'
import { openWeights } from '../weights/open-weights.js'
import type { Format } from './export-fields.js'
import { computeInRuntime, type Runtime } from './onnx/runtime.js'

/** Tolerance of round-off, as a multiple of the difference between the run's outputs in its own dtype and in a wider one. */
const TIMES = 8
/** Unit round-off. */
const ROUND_OFF = { float32: 2 ** -24, bfloat16: 2 ** -8 } as const
const WIDER = { float32: 'float64', bfloat16: 'float32' } as const
/** Share of that tolerance in the wider dtype: the round-off of float32 is 2⁻¹⁶ of that of bfloat16; a difference of 2⁻⁸ or more is another function. */
const IN_WIDER = { float32: 1, bfloat16: 2 ** -8 } as const

/** Result of comparing an exported file with its run. */
export interface Comparison {
  readonly batches: readonly number[]
  readonly contexts: readonly number[]
  /** Largest difference between components of unit vectors. */
  readonly largest_difference: number
  /** Tolerance of the probe with the largest share. */
  readonly allowed: number
  /** Largest ratio of a difference and its tolerance. */
  readonly share: number
  /** ONNX Runtime that computed the file; null in other formats. */
  readonly runtime: string | null
}

const lengths = (model: Model): number[] => {
  const { shortest, longest } = contextsOf(model.manifest.spec)
  return [...new Set([1, 2, model.context, 17, 70].map((t) => Math.min(Math.max(t, shortest), longest)))]
}

/** Returns a seeded batch of contexts of unit vectors. */
async function contexts(batch: number, time: number, dim: number): Promise<Tensor> {
  const values = Float32Array.from({ length: batch * time * dim }, (_, i) => random(7, i) - 0.5)
  using raw = Tensor.from(values, [batch, time, dim])
  using norm = await raw.op('aten::linalg_vector_norm', 2, [-1], true)
  return await raw.op('aten::div', norm)
}

/** Loads an exported file in a dtype, from the file alone. */
async function opened(model: Model, path: string, format: Format, dtype: DType): Promise<Computer> {
  if (format === 'torchscript') {
    const script = await TorchScriptModule.load(path, { allowCode: true, device: 'cpu', dtype })
    return { run: (x) => script.forward(x), dispose: () => script.dispose() }
  }
  const copy = await native.model(model.manifest.spec, dtype, 'cpu', null)
  await fill(copy, path, (await openWeights(path)).tensors)
  return computer(copy)
}

interface Computer {
  run(x: Tensor): Promise<Tensor>
  dispose(): void
}
const computer = (model: NativeModel): Computer => ({
  run: async (x) => Tensor.wrap(await native.modelPredict(model, x.native, false)),
  dispose: () => native.dispose(model),
})

/** Loads the run's model in a wider dtype. */
async function widened(model: Model, dtype: DType): Promise<Computer> {
  const copy = await native.model(model.manifest.spec, dtype, 'cpu', null)
  await native.modelLoad(copy, Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor])))
  return computer(copy)
}

interface Probe {
  readonly batch: number
  readonly time: number
  /** Shapes: [batch, time, dim]. */
  readonly x: Tensor
}
/** Returns the outputs for all probes and disposes of the model, so that only one is in memory at a time. */
async function outputs(computer: Computer, probes: readonly Probe[]): Promise<Float64Array[]> {
  const all: Float64Array[] = []
  try {
    for (const { x } of probes) {
      using y = await computer.run(x)
      using wide = await y.to({ dtype: 'float64' }).ready()
      all.push((await wide.data()) as Float64Array)
    }
  } finally {
    computer.dispose()
  }
  return all
}

/** Returns the largest difference, Infinity if one is NaN. */
function apart(a: Float64Array, b: Float64Array): number {
  return a.reduce((most, x, i) => {
    const difference = Math.abs(x - b[i]!)
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference)
  }, 0)
}

/** Outputs of a file in the dtype of the comparison and, where the file can be computed in it, in a wider one. */
interface FileOutputs {
  readonly have: Float64Array[]
  readonly wide?: Float64Array[]
  readonly runtime: string | null
}
async function outputsInOnnx(runtime: Runtime, path: string, probes: readonly Probe[]): Promise<FileOutputs> {
  const batches = []
  for (const { x } of probes) {
    const [batch, time, dim] = x.shape as [number, number, number]
    batches.push({ shape: [batch, time, dim] as const, values: (await x.data()) as Float32Array })
  }
  const { outputs, runtime: name } = await computeInRuntime(runtime, path, batches)
  return { have: outputs.map((values) => Float64Array.from(values)), runtime: name }
}

/**
 * Compares an exported file with its run at several batch sizes and context lengths, in its own dtype and in a wider one: the wider
 * dtype shows a different forward that the round-off of bfloat16 would hide. ONNX is float32 only, whatever the run's dtype.
 *
 * Errors: FOREIGN_FORWARD.
 */
export async function compare(run: string, path: string, format: Format, runtime?: Runtime): Promise<Comparison> {
  using model = await load(run, { device: 'cpu', exact: true })
  const [batches, times] = [[1, 3, 32], lengths(model)]
  const probes: Probe[] = []
  for (const time of times) for (const batch of batches) probes.push({ batch, time, x: await contexts(batch, time, model.dim) })
  const of = (computer: Computer) => outputs(computer, probes)
  const dtype = runtime === undefined ? weightsDtype(model.manifest) : 'float32'
  const itself = { run: (x: Tensor) => model.predict(x), dispose: () => {} }
  const own = await of(dtype === weightsDtype(model.manifest) ? itself : await widened(model, dtype))
  const exact = await of(await widened(model, WIDER[dtype]))
  const {
    have,
    wide,
    runtime: name,
  }: FileOutputs = runtime === undefined
    ? {
        have: await of(await opened(model, path, format, dtype)),
        wide: await of(await opened(model, path, format, WIDER[dtype])),
        runtime: null,
      }
    : await outputsInOnnx(runtime, path, probes)
  for (const { x } of probes) x.dispose()
  let worst = { largest_difference: 0, allowed: 0, share: 0 }
  let largest = 0
  for (const [i, { batch, time }] of probes.entries()) {
    const sameTime = probes.flatMap((probe, j) => (probe.time === time ? [j] : []))
    const rounding = Math.max(...sameTime.map((j) => apart(own[j]!, exact[j]!)))
    const largestNumber = exact[i]!.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
    const at = { run, batch, time }
    const ownDtype = checked(have[i]!, own[i]!, TIMES * (rounding + ROUND_OFF[dtype] * largestNumber), { ...at, dtype })
    if (wide) checked(wide[i]!, exact[i]!, ownDtype.allowed * IN_WIDER[dtype], { ...at, dtype: WIDER[dtype] })
    largest = Math.max(largest, ownDtype.largest_difference)
    if (ownDtype.share >= worst.share) worst = ownDtype
  }
  return { batches, contexts: times, ...worst, largest_difference: largest, runtime: name }
}

/** Checks the difference of outputs against its tolerance. Errors: FOREIGN_FORWARD. */
function checked(have: Float64Array, want: Float64Array, allowed: number, at: Omit<Probe, 'x'> & { run: string; dtype: DType }) {
  const found = apart(have, want)
  if (found <= allowed) return { largest_difference: found, allowed, share: found / allowed }
  throw new LvmError(
    'FOREIGN_FORWARD',
    `export: expected the ${at.dtype} outputs of ${at.run} within ${allowed.toExponential(1)}, ${TIMES} times its own round-off, but they differ by ${found.toExponential(1)} at batch ${at.batch} and context ${at.time}`,
    { hint: 'this is a bug in lvm-torch; nothing was written' },
  )
}
