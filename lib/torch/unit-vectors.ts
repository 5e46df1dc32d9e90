import type { Tensor } from './tensor.js'

/** Returns vectors divided by their norms, and the norms. Shapes: raw [n, dim]; unit [n, dim], norm [n, 1], float32. */
export async function unitVectors(raw: Tensor): Promise<{ unit: Tensor; norm: Tensor }> {
  using x = await raw.to({ device: 'cpu', dtype: 'float32' }).ready()
  const norm = await x.op('aten::linalg_vector_norm', 2, [-1], true)
  using safe = await norm.op('aten::clamp_min', 1e-12)
  return { unit: await x.op('aten::div.Tensor', safe), norm }
}

/** Scales vectors to one length. Shapes: raw [n, dim] → [n, dim], float32. */
export async function vectorsOfLength(raw: Tensor, length: number): Promise<Tensor> {
  const { unit, norm } = await unitVectors(raw)
  norm.dispose()
  if (Math.abs(length - 1) < 0.01) return unit
  using once = unit
  return await once.op('aten::mul.Scalar', length)
}
