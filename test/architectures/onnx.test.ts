import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-web'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { INPUT, OUTPUT, onnxModel, stateOf } from '../../lib/export/onnx/onnx.js'
import { bytesOf } from '../../lib/export/onnx/protobuf.js'
import { torchScript } from '../../lib/export/torchscript.js'
import { type NativeModel, native } from '../../lib/native.js'
import { contextsOf } from '../../lib/spec/contexts.js'
import { activation, chain, linear, type Node, named, predictor } from '../../lib/spec/ops.js'
import { useThreads } from '../../lib/torch/device.js'
import { TorchScriptModule } from '../../lib/torch/script.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { apart, build, contexts, DIM, LONGEST, predict, variants, widened } from './tiny.js'

const ACTIVATIONS = ['relu', 'gelu', 'gelu_tanh', 'silu', 'tanh', 'sigmoid', 'glu'] as const
const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-onnx-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(() => {
  useThreads(1)
  ort.env.wasm.numThreads = 1
})

printMargin()

/** A session for the ONNX model of a spec with the weights of a model. */
async function session(node: Node, model: NativeModel) {
  const facts = { dim: DIM, contexts: contextsOf(node), producer: { name: 'lvm-torch', version: '0' }, metadata: {} }
  const chunks: Uint8Array[] = []
  for await (const { buffer, byteOffset, byteLength } of bytesOf(onnxModel(node, stateOf(model), facts, { beside: '' }).message))
    chunks.push(new Uint8Array(buffer, byteOffset, byteLength))
  return ort.InferenceSession.create(Buffer.concat(chunks))
}

const all = architectures.flatMap((a) => variants(a).map(([about, options]) => [`${a.name} (${about})`, a, options] as const))

describe.each(all)('%s as ONNX', (name, a, options) => {
  test('an ONNX export predicts equally for any batch and context', async () => {
    const model = await build(a, options)
    const { node } = a.spec({ dim: DIM, context: LONGEST }, options)
    const made = await session(node, model)
    const wide = await widened(a, options, model)
    const { shortest, longest } = contextsOf(node)
    const sizes = [
      [1, 1],
      [3, 2],
      [3, 64],
      [1, LONGEST],
    ].map(([batch, t]) => [batch!, Math.min(Math.max(t!, shortest), longest)] as const)
    for (const [batch, time] of shortest === longest ? sizes.slice(1, 2) : sizes) {
      const x = contexts(batch, time, 20 + time)
      const want = await predict(model, x, batch)
      const own = apart(want, await predict(wide, x, batch))
      const { [OUTPUT]: y } = await made.run({ [INPUT]: new ort.Tensor('float32', x, [batch, time, DIM]) })
      expect(y!.dims).toEqual([batch, DIM])
      expectRounding(apart(y!.data as Float32Array, want), own, `${name}, T ${time}`)
    }
    for (const shape of [[1, 5, DIM + 1], ...(longest < 1e6 ? [[1, longest + 1, DIM]] : [])]) {
      const wrong = new ort.Tensor('float32', new Float32Array(shape.reduce((p, q) => p * q)).fill(0.1), shape)
      await expect(made.run({ [INPUT]: wrong })).rejects.toThrow()
    }
  })
})

test.each(ACTIVATIONS)('a spec with the activation %s is exported as ONNX and as TorchScript', async (kind) => {
  const inner = chain(named('enter', linear({ in: DIM, out: 2 * DIM })), activation(kind))
  const head = named('head', linear({ in: kind === 'glu' ? DIM : 2 * DIM, out: DIM }))
  const node = predictor({ dim: DIM, output: 'raw', residual: 'none', inputScale: 'none' }, inner, head)
  const model = await native.model(node, 'float32', 'cpu', 1)
  const x = contexts(2, 3)
  const want = await predict(model, x, 2)
  const made = await (await session(node, model)).run({ [INPUT]: new ort.Tensor('float32', x, [2, 3, DIM]) })
  expectRounding(apart(made[OUTPUT]!.data as Float32Array, want), 0, kind)
  const path = join(folder, `${kind}.pt`)
  await native.scriptSave(model, path, torchScript(node, { dim: DIM, weight: 'enter.weight', ...contextsOf(node) }))
  using script = await TorchScriptModule.load(path, { allowCode: true })
  using y = await script.forward(Tensor.from(x, [2, 3, DIM]))
  expectRounding(apart((await y.data()) as Float32Array, want), 0, kind)
})

test('a part of a spec that is named by a word of Python is refused for TorchScript', () => {
  const node = named('in', linear({ in: DIM, out: DIM }))
  expect(() => torchScript(node, { dim: DIM, weight: 'weight', ...contextsOf(node) })).toThrow(/a part named "in"/)
})
