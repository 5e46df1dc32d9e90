import { test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { apart, gaussian } from './tiny.js'

printMargin()

/** Products of up to 8 rows use our own kernel with tiles of 16 numbers and 2 or 4 outputs; most of these sizes leave tiles partly empty. */
test.each([
  ['lstm', 7, { width: 5 }],
  ['lstm', 16, { width: 32 }],
  ['lstm', 37, { width: 67 }],
  ['lstm', 768, { width: 131 }],
  ['distilgpt2', 7, { width: 26, heads: 2 }], // transposed matrices
  ['distilgpt2', 9, { width: 201, heads: 3 }],
])('products of few rows are correct in %s: %i numbers, %o', async (name, dim, sizes) => {
  const { node } = findArchitecture(name).spec({ dim, context: 3 }, { ...sizes, layers: 1, dropout: 0 })
  const single = await native.model(node, 'float32', 'cpu', 3)
  const double = await native.model(node, 'float64', 'cpu', 3)
  const exact = Object.fromEntries(native.modelState(double).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  for (const { name, tensor } of native.modelState(single)) await Tensor.wrap(tensor).change('aten::copy_', exact[name]!)
  const error = async (rows: number) => {
    using x = Tensor.from(gaussian(rows * 3 * dim, rows), [rows, 3, dim])
    using wide = await x.to({ dtype: 'float64' })
    const got = await Tensor.wrap(await native.modelPredict(single, x.native, false)).data()
    const want = await Tensor.wrap(await native.modelPredict(double, wide.native, false)).data()
    return apart(Array.from(got, Number), Array.from(want, Number))
  }
  const library = await error(20) // more rows than the kernel accepts
  for (let rows = 1; rows <= 10; rows++) expectRounding(await error(rows), library, `${name} of ${dim}, ${rows} rows`)
})
