import { contextRows } from '../data/windows.js'
import { type NativeModel, native } from '../native.js'
import type { Node } from '../spec/ops.js'
import { sampled } from '../statistics/random.js'
import { call, Tensor, type Value } from '../torch/tensor.js'
import type { Prepared } from './prepare.js'

/** Most rows used to fit centre and scale. */
const ROWS = 100_000

/**
 * Fits the input normaliser, if the model has one: per dimension the median, and 0.7413 times the interquartile range.
 *
 * Source: SonarNormalizer of arXiv:2412.08821, a robust standard score.
 */
export async function fitInput(model: NativeModel, spec: Node, { train, split }: Prepared): Promise<void> {
  if (spec.params.inputScale !== 'standardize') return
  const { vectors } = train.base
  const rows = contextRows(split.train, train.windows, vectors.shape[0]!)
  using index = Tensor.from(BigInt64Array.from(sampled(rows, ROWS, 0), BigInt))
  using chosen = await vectors.op('aten::index_select', 0, index)
  using wide = await chosen.to({ dtype: 'float32' }).ready()
  const sorted = (await call('aten::sort', [wide, 0])) as Value[]
  using ordered = sorted[0] as Tensor
  ;(sorted[1] as Tensor).dispose()
  const n = ordered.shape[0]!
  const at = (q: number) => ordered.op('aten::select', 0, Math.round(q * (n - 1)))
  using median = await at(0.5)
  using low = await at(0.25)
  using high = await at(0.75)
  using range = await high.op('aten::sub', low)
  using scaled = await range.op('aten::mul', 0.7413)
  using scale = await scaled.op('aten::clamp_min', 1e-6)
  for (const { name, tensor } of native.modelState(model)) {
    if (name === 'input.center') await Tensor.wrap(tensor).change('aten::copy_', median)
    if (name === 'input.scale') await Tensor.wrap(tensor).change('aten::copy_', scale)
  }
}
