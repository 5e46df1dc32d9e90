import { load, type Model } from '../checkpoint/model.js'
import { weightsDtype } from '../checkpoint/run.js'
import { openWeights } from '../checkpoint/stored.js'
import { fill } from '../checkpoint/weights.js'
import { random } from '../data/random.js'
import { LvmError } from '../errors.js'
import { native } from '../native.js'
import { contextsOf } from '../spec/contexts.js'
import { TorchScriptModule } from '../torch/script.js'
import { Tensor } from '../torch/tensor.js'
import type { Format } from './fields.js'

/** Largest difference of a component of a unit vector that is rounding. */
const ROUNDING = { float32: 1e-5, bfloat16: 5e-3 } as const

/** What was compared. */
export interface Comparison {
  readonly batches: readonly number[]
  readonly contexts: readonly number[]
  readonly largest_difference: number
}

const lengths = (model: Model): number[] => {
  const { shortest, longest } = contextsOf(model.manifest.spec)
  return [...new Set([1, 2, model.context, 17, 70].map((t) => Math.min(Math.max(t, shortest), longest)))]
}

/** Unit vectors of a seeded batch of contexts. */
async function contexts(batch: number, time: number, dim: number): Promise<Tensor> {
  const values = Float32Array.from({ length: batch * time * dim }, (_, i) => random(7, i) - 0.5)
  using raw = Tensor.from(values, [batch, time, dim])
  using norm = await raw.op('aten::linalg_vector_norm', 2, [-1], true)
  return await raw.op('aten::div', norm)
}

/** What the exported file computes, from the file alone. */
async function opened(model: Model, path: string, format: Format): Promise<{ run(x: Tensor): Promise<Tensor>; dispose(): void }> {
  if (format === 'torchscript') {
    const script = await TorchScriptModule.load(path, { allowCode: true, device: 'cpu' })
    return { run: (x) => script.forward(x), dispose: () => script.dispose() }
  }
  const { spec } = model.manifest
  const copy = await native.model(spec, weightsDtype(model.manifest), 'cpu', null)
  await fill(copy, path, (await openWeights(path)).tensors)
  return { run: async (x) => Tensor.wrap(await native.modelPredict(copy, x.native, false)), dispose: () => native.dispose(copy) }
}

/** Compares an exported file with its run at several batch sizes and context lengths. Errors: FOREIGN_FORWARD. */
export async function compare(run: string, path: string, format: Format): Promise<Comparison> {
  using model = await load(run, { device: 'cpu', exact: true })
  const file = await opened(model, path, format)
  const [batches, times] = [[1, 3, 32], lengths(model)]
  const rounding = ROUNDING[weightsDtype(model.manifest)]
  let largest = 0
  try {
    for (const batch of batches) {
      for (const time of times) {
        using x = await contexts(batch, time, model.dim)
        using want = await model.predict(x)
        using have = await file.run(x)
        using difference = await want.op('aten::sub', await have.to({ dtype: want.dtype }))
        using size = await difference.op('aten::abs')
        using most = await size.op('aten::max')
        const found = (await most.item()) as number
        if (!(found <= rounding)) {
          throw new LvmError(
            'FOREIGN_FORWARD',
            `export: expected the outputs of ${run} within ${rounding} but they are ${found} apart at batch ${batch} and context ${time}`,
            { hint: 'this is a bug in lvm-torch; nothing was written' },
          )
        }
        largest = Math.max(largest, found)
      }
    }
  } finally {
    file.dispose()
  }
  return { batches, contexts: times, largest_difference: largest }
}
