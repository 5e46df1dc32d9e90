import { addInto, blocks, meanTarget, type Rows, targets, zeros } from '../baselines/baselines-rows.js'
import { call, type Tensor } from '../torch/tensor.js'

/** Power of the inverse covariance (1/2: whitened), and share of the mean variance that is added to all variances. */
export interface Whitening {
  readonly power: number
  readonly shrink: number
}
export type Axes = Awaited<ReturnType<typeof axesOf>>

/** Mean and principal axes of the training targets. Shapes: mean [dim], variances [dim], axes [dim, dim], float64. */
export async function axesOf(train: Rows) {
  const { dim } = train.windows
  const mean = await meanTarget(train)
  using sum = await zeros(dim, dim)
  using offset = await mean.to({ dtype: 'float32' }).ready()
  for (const ids of blocks(train)) {
    using y = await targets(train, ids)
    using centred = await y.op('aten::sub.Tensor', offset)
    using turned = await centred.op('aten::t')
    using product = await turned.op('aten::mm', centred)
    await addInto(sum, product)
  }
  using covariance = await sum.op('aten::div.Scalar', train.ids.length)
  const [variances, axes] = (await call('aten::linalg_eigh', [covariance])) as [Tensor, Tensor]
  const dispose = () => {
    for (const tensor of [mean, variances, axes]) tensor.dispose()
  }
  return { mean, variances, axes, [Symbol.dispose]: dispose }
}

/**
 * The mean of the training targets, and their shrunk covariance to the power −`power`; `square` is the mean square of what they become.
 *
 * Shapes: centre [dim], map [dim, dim], float32.
 */
export async function whiteningBy({ mean, variances, axes }: Axes, o: Whitening) {
  using average = (await call('aten::mean', [variances])) as Tensor
  const added = o.shrink * (await average.item()) || 1 // of equal targets nothing can be whitened
  using wider = await variances.op('aten::add.Scalar', added)
  using shares = await wider.op('aten::pow.Tensor_Scalar', -o.power)
  using scaled = await axes.op('aten::mul.Tensor', shares)
  using turned = await axes.op('aten::t')
  using wide = await scaled.op('aten::mm', turned)
  using squares = await shares.op('aten::square')
  using mapped = await squares.op('aten::mul.Tensor', variances)
  using square = (await call('aten::mean', [mapped])) as Tensor
  return {
    centre: await mean.to({ dtype: 'float32' }).ready(),
    map: await wide.to({ dtype: 'float32' }).ready(),
    square: await square.item(),
  }
}
