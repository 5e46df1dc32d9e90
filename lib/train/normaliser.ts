import { take } from '../baselines/baselines-rows.js'
import { contextRows } from '../data/windows.js'
import { type NativeModel, native } from '../native.js'
import type { Node } from '../spec/ops.js'
import { sampled } from '../statistics/random.js'
import { call, Tensor, type Value } from '../torch/tensor.js'
import type { Prepared } from './prepare.js'
import { axesOf, whiteningBy } from './whitening.js'

/** Most rows used to fit an input normaliser. */
const ROWS = 100_000
/** What is added to all variances, as a share of their mean, before they are made equal: the fewer rows, the less a variance is known. */
const shrinkFor = (rows: number, dim: number) => 0.2 + (5 * dim) / rows

/**
 * Fits the input normaliser, if the model has one, on the rows of the training contexts.
 *
 * `standardize`: per dimension the median, and 0.7413 times the interquartile range.
 * `whiten`: their mean, and the inverse root of their covariance, scaled to a mean square of 1.
 * Source: SonarNormalizer of arXiv:2412.08821, a robust standard score.
 */
export async function fitInput(model: NativeModel, spec: Node, data: Prepared): Promise<void> {
  const { inputScale } = spec.params
  if (inputScale === 'standardize') await fitStandard(model, data)
  if (inputScale === 'whiten') await fitWhitening(model, data)
}

async function put(model: NativeModel, values: Readonly<Record<string, Tensor>>): Promise<void> {
  for (const { name, tensor } of native.modelState(model))
    if (values[name] !== undefined) await Tensor.wrap(tensor).change('aten::copy_', values[name])
}

/** A sample of the rows that the contexts of windows hold. */
const readRows = ({ base, windows }: Prepared['train'], ids: Int32Array): Int32Array =>
  sampled(contextRows(ids, windows, base.vectors.shape[0]!), ROWS, 0)

async function fitStandard(model: NativeModel, { train, split }: Prepared): Promise<void> {
  using chosen = await take(train.base.vectors, readRows(train, split.train))
  const sorted = (await call('aten::sort', [chosen, 0])) as Value[]
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
  await put(model, { 'input.center': median, 'input.scale': scale })
}

async function fitWhitening(model: NativeModel, { train, split }: Prepared): Promise<void> {
  const { targets: _, ...inputs } = train.base
  const target = readRows(train, split.train)
  const { dim } = train.windows
  using axes = await axesOf({ base: inputs, windows: { ...train.windows, target }, ids: Int32Array.from(target.keys()) })
  const { centre, map, square } = await whiteningBy(axes, { power: 1 / 2, shrink: shrinkFor(target.length, dim) })
  using center = centre
  using unscaled = map
  using whitening = await unscaled.op('aten::mul.Scalar', square > 0 ? 1 / Math.sqrt(square) : 1)
  await put(model, { 'input.center': center, 'input.whitening': whitening })
}
