import { type Baseline, weighted } from '../../baselines/baselines-fit.js'
import { blocks, contexts, type Rows, targets } from '../../baselines/baselines-rows.js'
import { call, Tensor } from '../../torch/tensor.js'

/** Solves the normal equations of a few columns of predictions. Shapes: products [k, k], right [k], float64. */
async function solve(products: number[][], right: number[]): Promise<number[]> {
  const k = right.length
  const ridge = (1e-9 * products.reduce((sum, row, i) => sum + row[i]!, 0)) / k
  using matrix = Tensor.from(Float64Array.from(products.flatMap((row, i) => row.map((v, j) => v + (i === j ? ridge : 0)))), [
    k,
    k,
  ])
  using column = Tensor.from(Float64Array.from(right), [k])
  using solution = (await call('aten::linalg_solve', [matrix, column])) as Tensor
  return [...((await solution.data()) as Float64Array)]
}

/** Returns the k scalars whose weighted sum of the columns is the least-squares fit of the targets. Shapes: columns [n, k, dim]. */
async function scalars(rows: Rows, k: number, columns: (ids: Int32Array) => Promise<Tensor>): Promise<number[]> {
  const products = Array.from({ length: k }, () => new Array<number>(k).fill(0))
  const right = new Array<number>(k).fill(0)
  for (const ids of blocks(rows)) {
    using x = await columns(ids)
    using y = await targets(rows, ids)
    using turned = await x.op('aten::transpose.int', 0, 1)
    using flat = await turned.op('aten::reshape', [k, -1])
    using back = await flat.op('aten::t')
    using square = await flat.op('aten::mm', back)
    using line = await y.op('aten::flatten.using_ints')
    using product = await flat.op('aten::mv', line)
    const [xx, xy] = [(await square.data()) as Float32Array, (await product.data()) as Float32Array]
    for (let i = 0; i < k; i++) {
      right[i]! += xy[i]!
      for (let j = 0; j < k; j++) products[i]![j]! += xx[i * k + j]!
    }
  }
  return solve(products, right)
}

/** Fits one weight per lag by least squares. */
export async function fitLags(train: Rows): Promise<Baseline<'lag_weights'>> {
  const { context } = train.windows
  const weights = await scalars(train, context, (ids) => contexts(train, ids))
  return {
    name: 'lag_weights',
    params: Object.fromEntries(weights.map((weight, i) => [`lag_${context - i}`, weight])),
    predict: (rows, ids) => weighted(rows, ids, weights),
    dispose: () => {},
  }
}

async function stacked(parts: readonly Baseline<string>[], rows: Rows, ids: Int32Array): Promise<Tensor> {
  const columns: Tensor[] = []
  for (const part of parts) columns.push(await part.predict(rows, ids))
  const all = (await call('aten::stack', [columns, 1])) as Tensor
  for (const column of columns) column.dispose()
  return all
}

/** Fits a weighted sum of predictors; the weights are fitted on windows that no predictor was fitted on. */
export async function combine(parts: readonly Baseline<string>[], held: Rows): Promise<Baseline<'combined'>> {
  const weights = await scalars(held, parts.length, (ids) => stacked(parts, held, ids))
  return {
    name: 'combined',
    params: Object.fromEntries(parts.map(({ name }, i) => [name, weights[i]!])),
    async predict(rows, ids) {
      using columns = await stacked(parts, rows, ids)
      using row = Tensor.from(weights, [1, weights.length])
      using sum = await row.op('aten::matmul', columns)
      return await sum.op('aten::squeeze.dim', 1)
    },
    dispose: () => {},
  }
}
