import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { kernelMachine, shapeKey } from '../../lib/checkpoint/kernels.js'
import { loadQuantized } from '../../lib/checkpoint/open-model.js'
import { matricesOf } from '../../lib/checkpoint/quantize-matrix.js'
import { openQuantized } from '../../lib/checkpoint/quantized.js'
import { writeQuantized } from '../../lib/compress/quantize-weights.js'
import { type NativeModel, native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'

const out = mkdtempSync(join(tmpdir(), 'lvm-torch-ruled-out-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))
const [DIM, CONTEXT] = [16, 3]
const said = new Set<string>()
process.on('warning', ({ message }) => said.add(message))
const { node: spec } = findArchitecture('gru').spec(
  { dim: DIM, context: CONTEXT },
  { ...findArchitecture('gru').presets.tiny, width: 32 },
)

/** Writes a file of int8 weights and replaces the scales of one matrix. */
async function quantizedFile(name: string, scale: (value: number) => number) {
  const model = await native.model(spec, 'float32', 'cpu', 3)
  const state = native.modelState(model).map(({ name: of, tensor }) => ({ of, tensor: Tensor.wrap(tensor) }))
  const stored = new Map(state.map(({ of, tensor }) => [of, { shape: tensor.shape, read: () => tensor.op('aten::clone') }]))
  const path = join(out, `${name}.safetensors`)
  const matrices = matricesOf(model).map(({ name: of, ...rest }) => [of, { scheme: 'int8', ...rest }] as const)
  await writeQuantized(path, stored, new Map(matrices), {})
  native.dispose(model)
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE())
  const [first] = matrices[0]!
  const [from, to] = JSON.parse(bytes.subarray(8, 8 + length).toString())[`${first}.scale`].data_offsets
  for (let at = 8 + length + from; at < 8 + length + to; at += 4) bytes.writeFloatLE(scale(bytes.readFloatLE(at)), at)
  writeFileSync(path, bytes)
  const file = await openQuantized(path)
  return { path, file, shape: shapeKey(file.matrices.get(first)!) }
}

async function predictions(model: NativeModel): Promise<Float32Array> {
  const contexts = Float32Array.from({ length: 2 * CONTEXT * DIM }, (_, i) => Math.sin(i * 1.7) / 4)
  using x = Tensor.from(contexts, [2, CONTEXT, DIM])
  using y = Tensor.wrap(await native.modelPredict(model, x.native, false))
  return (await y.data()) as Float32Array
}

test.each([
  ['too small for bfloat16', 1e-40],
  ['too large for bfloat16', 3.4e38],
])('a recorded kernel is ruled out with a warning when its product is wrong because scales are %s', async (_, scale) => {
  const { path, file, shape } = await quantizedFile(`scale-${scale}`, () => scale)
  const by_shape = Object.fromEntries([...file.matrices.values()].map((matrix) => [shapeKey(matrix), 'weight_only']))
  const o = { spec, device: 'cpu', context: CONTEXT, activations: 'int8' } as const
  const kernels = { machine: kernelMachine(), by_shape }
  const opened = await loadQuantized(file, path, { ...o, exact: false, kernels })
  expect(opened.ruledOut).toContainEqual({ kernel: 'weight_only', shape })
  expect(opened.kernels[shape]).not.toBe('weight_only')
  await new Promise(setImmediate)
  expect([...said].join('\n')).toContain(`the kernel weight_only was ruled out for ${shape}`)
  native.dispose(opened.model)
})

test('a recorded kernel with a correct product is used', async () => {
  const { path, file } = await quantizedFile('plain', (value) => value)
  const by_shape = Object.fromEntries([...file.matrices.values()].map((matrix) => [shapeKey(matrix), 'weight_only']))
  const o = { spec, device: 'cpu', context: CONTEXT, activations: 'int8' } as const
  const exact = await loadQuantized(file, path, { ...o, exact: true })
  const opened = await loadQuantized(file, path, { ...o, exact: false, kernels: { machine: kernelMachine(), by_shape } })
  expect(opened.kernels).toEqual(by_shape)
  expect(opened.ruledOut).toEqual([])
  expect(await predictions(opened.model)).not.toEqual(await predictions(exact.model))
  for (const { model } of [exact, opened]) native.dispose(model)
})
