import { call, type Tensor } from '../torch/tensor.js'
import { blocks, cosineSum, type Rows, targets } from './baselines-rows.js'
import { type Inputs, type LinearMap, read } from './ridge-systems.js'

/** Held-out inputs and targets up to this size are kept between two values of λ. Units: floats; 2²⁶ are 256 MB. */
const KEPT = 1 << 26

/** Judges maps, or their outputs, by the mean cosine on held-out windows. */
export function heldOut(held: Rows, inputs: Inputs) {
  const kept = new Map<number, readonly [Tensor, Tensor]>()
  const keep = held.ids.length * (inputs.positions + 1) * held.windows.dim <= KEPT
  const free = (block: readonly Tensor[]) => {
    for (const tensor of block) tensor.dispose()
  }
  const block = async (ids: Int32Array) => {
    using x = await read(inputs, held, ids)
    return [await x.op('aten::flatten.using_ints', 1, -1), await targets(held, ids)] as const
  }
  return {
    /** Judges outputs for all held-out windows. */
    async outputCosine(outputs: Tensor): Promise<number> {
      let [sum, at] = [0, 0]
      for (const ids of blocks(held)) {
        using y = await targets(held, ids)
        using part = await outputs.op('aten::narrow', 0, at, ids.length)
        sum += await cosineSum(part, y)
        at += ids.length
      }
      return sum / held.ids.length
    },
    async cosine({ weight, bias }: LinearMap): Promise<number> {
      let sum = 0
      for (const [at, ids] of [...blocks(held)].entries()) {
        const [x, y] = kept.get(at) ?? (await block(ids))
        using prediction = (await call('aten::addmm', [bias, x, weight])) as Tensor
        sum += await cosineSum(prediction, y)
        if (keep) kept.set(at, [x, y])
        else free([x, y])
      }
      return sum / held.ids.length
    },
    [Symbol.dispose]() {
      for (const one of kept.values()) free(one)
    },
  }
}
