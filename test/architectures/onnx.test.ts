import * as ort from 'onnxruntime-web'
import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { INPUT, OUTPUT, onnxModel, stateOf } from '../../lib/export/onnx/onnx.js'
import { bytesOf } from '../../lib/export/onnx/protobuf.js'
import { contextsOf } from '../../lib/spec/contexts.js'
import { useThreads } from '../../lib/torch/device.js'
import { expectRounding, printMargin } from '../rounding.js'
import { apart, build, contexts, DIM, LONGEST, predict, variants, widened } from './tiny.js'

beforeAll(() => {
  useThreads(1)
  ort.env.wasm.numThreads = 1
})

printMargin()

const all = architectures.flatMap((a) => variants(a).map(([about, options]) => [`${a.name} (${about})`, a, options] as const))

describe.each(all)('%s as ONNX', (name, a, options) => {
  test('an ONNX export predicts equally for any batch and context', async () => {
    const model = await build(a, options)
    const { node } = a.spec({ dim: DIM, context: LONGEST }, options)
    const bounds = contextsOf(node)
    const facts = { dim: DIM, contexts: bounds, producer: { name: 'lvm-torch', version: '0' }, metadata: {} }
    const chunks: Uint8Array[] = []
    for await (const { buffer, byteOffset, byteLength } of bytesOf(
      onnxModel(node, stateOf(model), facts, { beside: '' }).message,
    ))
      chunks.push(new Uint8Array(buffer, byteOffset, byteLength))
    const session = await ort.InferenceSession.create(Buffer.concat(chunks))
    const wide = await widened(a, options, model)
    const lengths = [1, 2, 5, 64, LONGEST].map((t) => Math.min(Math.max(t, bounds.shortest), bounds.longest))
    for (const time of new Set(lengths)) {
      for (const batch of [1, 3]) {
        const x = contexts(batch, time, 20 + time)
        const want = await predict(model, x, batch)
        const own = apart(want, await predict(wide, x, batch))
        const { [OUTPUT]: y } = await session.run({ [INPUT]: new ort.Tensor('float32', x, [batch, time, DIM]) })
        expect(y!.dims).toEqual([batch, DIM])
        expectRounding(apart(y!.data as Float32Array, want), own, `${name}, T ${time}`)
      }
    }
  })
})
