import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { torchScript } from '../../lib/export/torchscript.js'
import { native } from '../../lib/native.js'
import { contextsOf } from '../../lib/spec/contexts.js'
import { useThreads } from '../../lib/torch/device.js'
import { TorchScriptModule } from '../../lib/torch/script.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { apart, build, contexts, DIM, LONGEST, predict, variants, widened } from './tiny.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-script-'))
beforeAll(() => void useThreads(1))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

printMargin()

const all = architectures.flatMap((a) => variants(a).map(([about, options]) => [`${a.name} (${about})`, a, options] as const))

describe.each(all)('%s as TorchScript', (name, a, options) => {
  test('a TorchScript export predicts equally for any batch and context', async () => {
    const model = await build(a, options)
    const { node } = a.spec({ dim: DIM, context: LONGEST }, options)
    const weight = native.modelState(model).find(({ trainable }) => trainable)!.name
    const path = join(folder, `${name}.pt`)
    const bounds = contextsOf(node)
    await native.scriptSave(model, path, torchScript(node, { dim: DIM, weight, ...bounds }))
    using script = await TorchScriptModule.load(path, { allowCode: true, device: 'cpu' })
    const wide = await widened(a, options, model)
    const lengths = [1, 2, 5, 64, LONGEST].map((t) => Math.min(Math.max(t, bounds.shortest), bounds.longest))
    for (const time of new Set(lengths)) {
      for (const batch of [1, 3]) {
        const x = contexts(batch, time, 20 + time)
        const want = await predict(model, x, batch)
        const own = apart(want, await predict(wide, x, batch))
        using y = await script.forward(Tensor.from(x, [batch, time, DIM]))
        expect(y.shape).toEqual([batch, DIM])
        expectRounding(apart((await y.data()) as Float32Array, want), own, `${name}, T ${time}`)
      }
    }
    for (const shape of [[5, DIM], [1, 5, DIM + 1], ...(bounds.longest < 1e6 ? [[1, bounds.longest + 1, DIM]] : [])]) {
      using wrong = Tensor.from(new Float32Array(shape.reduce((p, q) => p * q)).fill(0.1), shape)
      await expect(script.forward(wrong)).rejects.toThrow(/expected (contexts of shape|\d+ to|\d+ or more)/)
    }
  })
})
