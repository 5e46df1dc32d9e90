import { worded } from '../hints.js'
import { Tensor } from '../torch/tensor.js'

async function matmulTime(dtype: 'float32' | 'bfloat16'): Promise<number> {
  using zeros = Tensor.from(new Float32Array(160 * 512 + 2048 * 512).fill(0.01))
  using cast = await zeros.to({ dtype }).ready()
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

/** Measures bf16 and fp32 matrix products, as a processor's name does not tell their speed; returns a warning if bf16 is slower. */
export async function slowPrecision(): Promise<string | undefined> {
  const [fp32, bf16] = [await matmulTime('float32'), await matmulTime('bfloat16')]
  if (bf16 <= fp32) return undefined
  return worded(
    `bf16 matrix products take ${(bf16 / fp32).toFixed(1)} times as long as fp32 on this processor; --precision fp32 will be faster`,
  )
}
