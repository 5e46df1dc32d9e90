import { call, type Tensor } from '../torch/tensor.js'
import type { Rows } from './baselines-rows.js'
import {
  type Anchor,
  anchorMap,
  type Inputs,
  meanDiagonal,
  type System,
  shifted,
  solveAll,
  withIntercepts,
} from './ridge-systems.js'

/** Centred inputs of other windows, and their products with those of a system. Shapes: x [n, features], products [n, windows], float64. */
async function otherInputs(held: Rows, inputs: Inputs, o: { offset: Tensor; mean: Tensor; transposed: Tensor }) {
  const [raw, targets] = await shifted(held, held.ids, inputs, o.offset)
  targets.dispose()
  using x32 = raw
  using x64 = await x32.to({ dtype: 'float64' }).ready()
  const x = await x64.op('aten::sub.Tensor', o.mean)
  return { x, products: await x.op('aten::mm', o.transposed) }
}

type Other = Awaited<ReturnType<typeof otherInputs>>

/** Outputs for other windows, from the duals of each anchor, which it frees. Shapes: each [n, dim], float32. */
async function outputsOf(duals: readonly Tensor[], { x, products }: Other, maps: readonly (Tensor | undefined)[], mean: Tensor) {
  const all: Tensor[] = []
  for (const [i, solved] of duals.entries()) {
    using dual = solved
    using change = (await call('aten::addmm', [mean, products, dual])) as Tensor
    const map = maps[i]
    using whole = (map ? await call('aten::addmm', [change, x, map]) : change.to({})) as Tensor
    all.push(await whole.to({ dtype: 'float32' }).ready())
  }
  return all
}

/** The map of each anchor A, and the right sides Y − XA of W = A + Xᵀ (XXᵀ + λ I)⁻¹ (Y − XA). */
async function towards(anchors: readonly Anchor[], x: Tensor, y: Tensor) {
  const maps = new Map<Anchor, Tensor>()
  const rights: Tensor[] = []
  for (const anchor of anchors) {
    if (anchor !== undefined) maps.set(anchor, await anchorMap(anchor, y.shape[1]!))
    const map = maps.get(anchor)
    rights.push(map ? ((await call('aten::addmm', [y, x, map], { alpha: -1 })) as Tensor) : y)
  }
  return { maps, rights }
}

/** Builds the dual equations, [windows × windows], all in float64, for fewer windows than features; the solution is the same. */
export async function dualEquations(
  rows: Rows,
  inputs: Inputs,
  offset: Tensor,
  { anchors = [undefined], held }: { readonly anchors?: readonly Anchor[]; readonly held?: Rows | undefined } = {},
): Promise<System> {
  using offset32 = await offset.to({ dtype: 'float32' }).ready()
  const [rawX, rawY] = await shifted(rows, rows.ids, inputs, offset32)
  using x32 = rawX
  using y32 = rawY
  using x64 = await x32.to({ dtype: 'float64' }).ready()
  using y64 = await y32.to({ dtype: 'float64' }).ready()
  const x = (await call('aten::mean.dim', [x64, [0]])) as Tensor
  const y = (await call('aten::mean.dim', [y64, [0]])) as Tensor
  const centred = await x64.op('aten::sub.Tensor', x)
  const outputs = await y64.op('aten::sub.Tensor', y)
  const transposed = await centred.op('aten::t')
  const products = await centred.op('aten::mm', transposed)
  const square = { matrix: products }
  const other = held && (await otherInputs(held, inputs, { offset: offset32, mean: x, transposed }))
  const { maps, rights } = await towards(anchors, centred, outputs)
  const meanY = await y.op('aten::add.Tensor', offset)
  const owned = [x, y, meanY, centred, outputs, transposed, products, ...maps.values(), ...rights]
  return {
    scale: await meanDiagonal(square, centred.shape[1]!),
    rough: false, // float64 takes little time
    ...(other && {
      async outputs(lambda: number) {
        const duals = await solveAll(square, rights, lambda, 'float64')
        return (
          duals &&
          (await outputsOf(
            duals,
            other,
            anchors.map((anchor) => maps.get(anchor)),
            meanY,
          ))
        )
      },
    }),
    async solve(lambda) {
      const duals = await solveAll(square, rights, lambda, 'float64')
      if (duals === undefined) return undefined
      const weights: Tensor[] = []
      for (const [i, solved] of duals.entries()) {
        using dual = solved
        const map = maps.get(anchors[i])
        weights.push((map ? await call('aten::addmm', [map, transposed, dual]) : await transposed.op('aten::mm', dual)) as Tensor)
      }
      return await withIntercepts(weights, x, y, offset, inputs.positions)
    },
    [Symbol.dispose]() {
      for (const tensor of new Set([...owned, ...Object.values(other ?? {})])) tensor.dispose()
    },
  }
}
