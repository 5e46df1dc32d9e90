import { call, Tensor } from '../torch/tensor.js'
import { addInto, blocks, columnSums, contexts, type Rows, targets, zeros } from './baselines-rows.js'
import { addLagProducts, addProduct, consecutive } from './lag-products.js'
import { exponentialMeans } from './memories.js'

/** What is read of a context: its last `positions` vectors, or as many exponential means of all of it, one for each of `decays`. */
export interface Inputs {
  readonly positions: number
  readonly decays?: readonly number[] | undefined
}

/** Shapes: [n, positions, dim], float32. */
export const read = ({ positions, decays }: Inputs, rows: Rows, ids: Int32Array): Promise<Tensor> =>
  decays === undefined ? contexts(rows, ids, positions) : exponentialMeans(rows, ids, decays)

/** y ≈ x · weight + bias. Shapes: weight [features, dim], bias [dim], float32. */
export interface LinearMap {
  readonly weight: Tensor
  readonly bias: Tensor
}

/** One weight per position; a map shrinks towards this weighted sum. Undefined: towards zero. */
export type Anchor = readonly number[] | undefined

/** Numbers that a system is solved in. */
export type Precision = 'float32' | 'float64'

/** Least-squares system with an intercept, to be solved for any λ. */
export interface System {
  /** Scale of λ: the mean square of a centred input, summed over windows. */
  readonly scale: number
  /** Whether float32 takes less time than float64. */
  readonly rough: boolean
  /** Returns one map for each anchor; undefined when λ is too small for the numbers. */
  solve(lambda: number, dtype?: Precision): Promise<LinearMap[] | undefined>
  /** Outputs of the maps for the windows that were named beforehand, without the maps themselves; absent where a system knows no such windows. */
  outputs?(lambda: number): Promise<Tensor[] | undefined>
  [Symbol.dispose](): void
}

/** Returns inputs and targets of the windows minus `offset`. Shapes: x [n, features], y [n, dim], float32. */
export async function shifted(rows: Rows, ids: Int32Array, inputs: Inputs, offset: Tensor): Promise<[Tensor, Tensor]> {
  using raw = await read(inputs, rows, ids)
  using rawTargets = await targets(rows, ids)
  using moved = await raw.op('aten::sub.Tensor', offset)
  return [await moved.op('aten::flatten.using_ints', 1, -1), await rawTargets.op('aten::sub.Tensor', offset)]
}

/** Computes (matrix + λ I)⁻¹ · right by Cholesky, which reads only the lower triangle of the matrix; overwrites the matrix. */
async function solveRegularised(matrix: Tensor, right: Tensor, lambda: number): Promise<Tensor | undefined> {
  using diagonal = await matrix.op('aten::diagonal', 0, 0, 1)
  await diagonal.change('aten::add_.Scalar', lambda)
  // LAPACK reads columns: the lower triangle by rows is the upper one of the transposed, whose factor needs no second matrix
  using upper = await matrix.op('aten::t')
  using failed = (await call('aten::zeros', [[]], { dtype: 'int32' })) as Tensor
  const same = (await call('aten::linalg_cholesky_ex.L', [upper], { upper: true, L: upper, info: failed })) as Tensor[]
  for (const tensor of same) tensor.dispose()
  if ((await failed.item()) !== 0) return undefined
  // two triangular solves take half the time of aten::cholesky_solve
  using half = (await call('aten::linalg_solve_triangular', [matrix, right], { upper: false })) as Tensor
  return (await call('aten::linalg_solve_triangular', [upper, half], { upper: true })) as Tensor
}

/** Matrix of a system, [n, n], without the part that its mean makes: `rows` · mean · meanᵀ. */
interface Square {
  readonly matrix: Tensor
  readonly mean?: Tensor
  readonly rows?: number
}

/** Returns a copy of the matrix, centred. */
async function copyOf({ matrix, mean, rows = 0 }: Square, dtype: Precision): Promise<Tensor> {
  const own = (await call('aten::_to_copy', [matrix], { dtype })) as Tensor
  if (mean === undefined) return own
  using column = await mean.to({ dtype }).ready()
  using row = await column.op('aten::mul.Scalar', -rows)
  await own.change('aten::addr_', column, row)
  return own
}

/** Solves for several right-hand sides with one factor. Shapes: each right [n, dim]; returns as many of the same shape. */
export async function solveAll(square: Square, rights: readonly Tensor[], lambda: number, dtype: Precision) {
  using own = await copyOf(square, dtype)
  using wide = (await call('aten::cat', [rights, 1])) as Tensor
  using right = await wide.to({ dtype }).ready()
  using solved = await solveRegularised(own, right, lambda)
  if (solved === undefined) return undefined
  const dim = right.shape[1]! / rights.length
  const parts: Tensor[] = []
  for (let i = 0; i < rights.length; i++) parts.push(await solved.op('aten::narrow', 1, i * dim, dim))
  return parts
}

/** As `withIntercept` for several weights, which it frees. */
export async function withIntercepts(weights: readonly Tensor[], x: Tensor, y: Tensor, offset: Tensor, positions: number) {
  const maps: LinearMap[] = []
  for (const each of weights) {
    using weight = each
    maps.push(await withIntercept(weight, x, y, offset, positions))
  }
  return maps
}

/** Adds the intercept that maps the mean input to the mean target. */
async function withIntercept(weight: Tensor, x: Tensor, y: Tensor, offset: Tensor, positions: number): Promise<LinearMap> {
  using tiled = await offset.op('aten::repeat', [positions])
  using meanX = await x.op('aten::add.Tensor', tiled)
  using meanY = await y.op('aten::add.Tensor', offset)
  using wide = await meanX.op('aten::unsqueeze', 0)
  using row = await wide.to({ dtype: weight.dtype }).ready()
  using product = await row.op('aten::matmul', weight)
  using flat = await product.op('aten::squeeze.dim', 0)
  using bias = await meanY.op('aten::sub.Tensor', flat)
  using narrow = await weight.to({ dtype: 'float32' }).ready()
  // in rows, so that a map that was stored and read computes the same bits
  return { weight: await narrow.op('aten::contiguous'), bias: await bias.to({ dtype: 'float32' }).ready() }
}

/** Map of an anchor: one diagonal block per position, filled with that position's weight. Shapes: [positions · dim, dim], float64. */
export async function anchorMap(anchor: readonly number[], dim: number): Promise<Tensor> {
  using weights = Tensor.from(Float64Array.from(anchor), [anchor.length, 1])
  using eye = (await call('aten::eye', [dim], { dtype: 'float64' })) as Tensor
  return await weights.op('aten::kron', eye)
}

export async function meanDiagonal({ matrix, mean, rows = 0 }: Square, features: number): Promise<number> {
  using trace = await matrix.op('aten::trace')
  const whole = await trace.item()
  if (mean === undefined) return whole / features
  using square = await mean.op('aten::dot', mean)
  return (whole - rows * (await square.item())) / features
}

/** Sums over windows of x, y, xxᵀ (lower triangle) and xyᵀ, in float64; `offset` is subtracted from x and y first. */
export interface Moments {
  n: number
  readonly inputs: Inputs
  readonly offset: Tensor
  readonly x: Tensor
  readonly y: Tensor
  readonly xx: Tensor
  readonly xy: Tensor
  [Symbol.dispose](): void
}

/** Returns moments of zero windows. An offset near the mean keeps the float32 products small, and so their round-off. */
export async function noMoments(inputs: Inputs, offset: Tensor): Promise<Moments> {
  const dim = offset.shape[0]!
  const features = inputs.positions * dim
  const sums = {
    x: await zeros(features),
    y: await zeros(dim),
    xx: await zeros(features, features),
    xy: await zeros(features, dim),
  }
  const dispose = () => {
    for (const sum of Object.values(sums)) sum.dispose()
  }
  return { n: 0, inputs, offset, ...sums, [Symbol.dispose]: dispose }
}

/** Adds the lower triangle of xᵀ · x to `sum`, in blocks of `width` columns; the upper triangle is never read. */
async function addSquare(sum: Tensor, x: Tensor, width: number): Promise<void> {
  const features = x.shape[1]!
  for (let from = 0; from < features; from += width) {
    using columns = await x.op('aten::narrow', 1, from, width)
    using below = await x.op('aten::narrow', 1, from, features - from)
    using rows = await sum.op('aten::narrow', 0, from, features - from)
    using part = await rows.op('aten::narrow', 1, from, width)
    await addProduct(part, below, columns)
  }
}

/** Adds windows block by block: float32 products, summed in float64. */
export async function addMoments(moments: Moments, rows: Rows): Promise<void> {
  using offset = await moments.offset.to({ dtype: 'float32' }).ready()
  const { positions, decays } = moments.inputs
  const runs = decays === undefined ? consecutive(rows, positions) : undefined
  if (runs !== undefined) {
    await addLagProducts(moments, rows, runs, { positions, offset })
    moments.n += rows.ids.length
    return
  }
  for (const ids of blocks(rows)) {
    const [x, y] = await shifted(rows, ids, moments.inputs, offset)
    using flat = x
    using outputs = y
    using sumX = await columnSums(flat)
    using sumY = await columnSums(outputs)
    await addInto(moments.x, sumX)
    await addInto(moments.y, sumY)
    await addSquare(moments.xx, flat, rows.windows.dim)
    await addProduct(moments.xy, flat, outputs)
    moments.n += ids.length
  }
}

/** Builds the normal equations, [features × features], for more windows than features; they read the moments as long as they are solved. */
export async function normalEquations(moments: Moments, anchors: readonly Anchor[] = [undefined]): Promise<System> {
  const { n, inputs, offset, ...sums } = moments
  const dim = offset.shape[0]!
  const x = await sums.x.op('aten::div.Scalar', n)
  const y = await sums.y.op('aten::div.Scalar', n)
  const square = { matrix: sums.xx, mean: x, rows: n } // centred where it is copied: it takes most of the memory
  const centredXY = (await call('aten::addr', [sums.xy, x, y], { alpha: -n })) as Tensor
  return {
    scale: await meanDiagonal(square, sums.xx.shape[0]!),
    rough: true,
    async solve(lambda, dtype = 'float64') {
      // the least of |XW − Y|² + λ |W − A|² has (XᵀX + λ I) W = XᵀY + λ A
      const towards = async (anchor: readonly number[]) => {
        using map = await anchorMap(anchor, dim)
        return (await call('aten::add.Tensor', [centredXY, map], { alpha: lambda })) as Tensor
      }
      const rights: Tensor[] = []
      for (const anchor of anchors) rights.push(anchor === undefined ? centredXY : await towards(anchor))
      const weights = await solveAll(square, rights, lambda, dtype)
      for (const right of rights) if (right !== centredXY) right.dispose()
      return weights && (await withIntercepts(weights, x, y, offset, inputs.positions))
    },
    [Symbol.dispose]() {
      for (const tensor of [x, y, centredXY]) tensor.dispose()
    },
  }
}
