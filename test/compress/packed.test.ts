import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { kernelMachine, shapeKey } from '../../lib/checkpoint/kernels.js'
import { loadQuantized } from '../../lib/checkpoint/open-model.js'
import { matricesOf } from '../../lib/checkpoint/quantize-matrix.js'
import { openQuantized, type Scheme, sizesOf } from '../../lib/checkpoint/quantized.js'
import { writeQuantized } from '../../lib/compress/quantize-weights.js'
import { type NativeModel, native } from '../../lib/native.js'
import { isCausal } from '../../lib/spec/architecture.js'
import { random } from '../../lib/statistics/random.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'

printMargin()

const out = mkdtempSync(join(tmpdir(), 'lvm-torch-packed-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))
const [DIM, CONTEXT, BATCH] = [16, 5, 3]
const here = await native.timeKernels('int8', 16, 16, Int32Array.of(1))
/** Kernels that this machine has. */
const KERNELS = (['dynamic_fbgemm', 'dynamic_onednn', 'dynamic_panels', 'weight_only', 'bf16'] as const).filter(
  (kernel) => kernel in here,
)

const contexts = Float32Array.from({ length: BATCH * CONTEXT * DIM }, (_, i) => Math.sin(i * 1.7) / 4)
async function predictions(model: NativeModel, given = contexts): Promise<Float32Array> {
  using x = Tensor.from(given, [BATCH, CONTEXT, DIM])
  using y = Tensor.wrap(await native.modelPredict(model, x.native, false))
  return (await y.data()) as Float32Array
}
const LARGEST = Math.max(...contexts.map(Math.abs))
/** Predicts by stepping through the contexts one vector at a time. */
async function stepped(model: NativeModel): Promise<Float32Array> {
  const stepper = native.stepper(model, BATCH)
  let last = new Float32Array()
  for (let t = 0; t < CONTEXT; t++) {
    const rows = Array.from({ length: BATCH }, (_, b) => contexts.subarray((b * CONTEXT + t) * DIM, (b * CONTEXT + t + 1) * DIM))
    using x = Tensor.from(Float32Array.from(rows.flatMap((row) => [...row])), [BATCH, DIM])
    using y = Tensor.wrap(await native.stepperStep(stepper, x.native))
    last = (await y.data()) as Float32Array<ArrayBuffer>
  }
  native.dispose(stepper)
  return last
}
/** Error of a kernel's input grid (7 bits without VNNI instructions), relative to the largest input: half a step for rounding, half because the ends of the grid are rounded. */
const step = (kernel: string) => (kernel.startsWith('dynamic') ? 2 / 127 : 2 ** -8)
/** Returns the change of the exact model's outputs when all inputs are perturbed by that error. */
async function rounding(exact: NativeModel, kernel: string): Promise<number> {
  const want = await predictions(exact)
  const moved = [1, 2, 3, 4].map(async (seed) => {
    const off = contexts.map((x, i) => x + (random(seed, i) < 0.5 ? -1 : 1) * step(kernel) * LARGEST)
    return furthest(await predictions(exact, off), want)
  })
  return Math.max(...(await Promise.all(moved)))
}
const furthest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)))

const memory = { residual: 'memory', input: 'memory' }
const each = [
  ...architectures.map((a) => [a.name, a, a.presets.tiny] as const),
  ...architectures
    .filter(({ row }) => row === null || row === 2)
    .map((a) => [`${a.name}-memory`, a, { ...a.presets.tiny, ...memory }] as const),
]
describe.each(each)('%s', (name, architecture, given) => {
  const { options, node: spec } = architecture.spec({ dim: DIM, context: CONTEXT }, given)
  const quantized = async (scheme: Scheme) => {
    const model = await native.model(spec, 'float32', 'cpu', 3)
    const state = native
      .modelState(model)
      .map(({ name: of, tensor, trainable }) => ({ of, tensor: Tensor.wrap(tensor), trainable }))
    for (const { tensor, trainable } of state) if (trainable) await tensor.op('aten::add_.Scalar', 0.01) // some are initialised with zeros
    const stored = new Map(state.map(({ of, tensor }) => [of, { shape: tensor.shape, read: () => tensor.op('aten::clone') }]))
    const path = join(mkdtempSync(join(out, 'weights-')), `${name}-${scheme}.safetensors`)
    await writeQuantized(path, stored, new Map(matricesOf(model).map(({ name: of, ...rest }) => [of, { scheme, ...rest }])), {})
    native.dispose(model)
    const file = await openQuantized(path)
    const load = async (kernel: string) => {
      const by_shape = Object.fromEntries([...file.matrices.values()].map((matrix) => [shapeKey(matrix), kernel]))
      const o = { spec, device: 'cpu', context: CONTEXT, exact: false, activations: 'int8' as const }
      return (await loadQuantized(file, path, { ...o, kernels: { machine: kernelMachine(), by_shape } })).model
    }
    return { load, sizes: [...file.matrices.values()].flatMap((matrix) => Object.values(sizesOf(matrix))) }
  }
  test.each(KERNELS)('a quantised model multiplies with %s', async (kernel) => {
    const { load, sizes } = await quantized('int8')
    if (kernel === 'weight_only' && sizes.some((n) => n % 16 !== 0)) return
    const [exact, packed] = [await load('fp32'), await load(kernel)]
    const [want, got] = [await predictions(exact), await predictions(packed)]
    const own = await rounding(exact, kernel)
    expectRounding(furthest(got, want), own, `${name} by ${kernel}`)
    expect(furthest(got, want)).toBeGreaterThan(0)
    if (isCausal(architecture, options))
      expectRounding(furthest(await stepped(packed), await stepped(exact)), own, `${name} stepped by ${kernel}`)
    const names = native.modelState(packed).map(({ name: of }) => of)
    expect(names).toEqual(native.modelState(exact).flatMap((p) => (p.layout === undefined ? [p.name] : [])))
    for (const model of [exact, packed]) native.dispose(model)
  })
})
