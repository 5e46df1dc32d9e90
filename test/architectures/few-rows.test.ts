import { expect, test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { gaussian } from './tiny.js'

/** Products of up to 8 rows are computed by a kernel of ours, whose tiles fit neither of these sizes. */
test.each([
  [7, 5],
  [16, 32],
  [37, 67],
  [768, 131],
])('few rows of %i numbers are multiplied right, through %i outputs', async (dim, width) => {
  const { node } = findArchitecture('lstm').spec({ dim, context: 1 }, { width, layers: 1, dropout: 0, output: 'raw' })
  const single = await native.model(node, 'float32', 'cpu', 3)
  const double = await native.model(node, 'float64', 'cpu', 3)
  const exact = Object.fromEntries(native.modelState(double).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  for (const { name, tensor } of native.modelState(single)) await Tensor.wrap(tensor).change('aten::copy_', exact[name]!)
  for (let rows = 1; rows <= 10; rows++) {
    const data = gaussian(rows * 3 * dim, rows)
    using x = Tensor.from(data, [rows, 3, dim])
    using wide = await x.to({ dtype: 'float64' })
    const got = await Tensor.wrap(await native.modelPredict(single, x.native, false)).data()
    const want = await Tensor.wrap(await native.modelPredict(double, wide.native, false)).data()
    for (const [i, value] of got.entries()) expect(Math.abs(Number(value) - Number(want[i])), `${rows} rows`).toBeLessThan(2e-6)
  }
})
