import { worded } from '../hints.js'
import { Tensor } from '../torch/tensor.js'

async function product(dtype: 'float32' | 'bfloat16'): Promise<number> {
  using zeros = Tensor.from(new Float32Array(160 * 512 + 2048 * 512).fill(0.01))
  using cast = await zeros.to({ dtype })
  using left = await cast.op('aten::narrow', 0, 0, 160 * 512)
  using x = await left.op('aten::view', [160, 512])
  using right = await cast.op('aten::narrow', 0, 160 * 512, 2048 * 512)
  using w = await right.op('aten::view', [2048, 512])
  let best = Infinity
  for (let i = 0; i < 5; i++) {
    const start = performance.now()
    using _ = await x.op('aten::linear', w, null)
    best = Math.min(best, performance.now() - start)
  }
  return best
}

/** A sentence when bf16 products are slower than fp32 ones on this processor: measured, since no name tells. */
export async function slowPrecision(): Promise<string | undefined> {
  const [fp32, bf16] = [await product('float32'), await product('bfloat16')]
  if (bf16 <= fp32) return undefined
  return worded(
    `bf16 products take ${(bf16 / fp32).toFixed(1)} times as long as fp32 ones on this processor; --precision fp32 will be faster`,
  )
}
