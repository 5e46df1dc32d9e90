import { normals } from '../data/synth-process.js'
import { call, Tensor } from '../torch/tensor.js'

/** Number of neighbours per row, and of steps of the power iteration. */
const [NEIGHBOURS, STEPS] = [8, 200]
const BLOCK = 1024

/** Nearest-neighbour graph: `to` lists `degree` row numbers for each row. */
export interface Graph {
  readonly rows: number
  readonly degree: number
  readonly to: Int32Array
}

/** Builds the nearest-neighbour graph of unit vectors; with `groups` only rows of other groups are neighbours. Shapes: unit [rows, dim]. */
export async function graphOf(unit: Tensor, groups?: Int32Array): Promise<Graph> {
  const rows = unit.shape[0]!
  const degree = Math.min(NEIGHBOURS, rows - 1)
  const to = new Int32Array(rows * degree)
  using turned = await unit.op('aten::t')
  using all = groups && Tensor.from(groups, [1, rows])
  for (let from = 0; from < rows; from += BLOCK) {
    using block = await unit.op('aten::narrow', 0, from, Math.min(BLOCK, rows - from))
    using cosines = await block.op('aten::mm', turned)
    if (groups !== undefined && all !== undefined) {
      using own = Tensor.from(groups.slice(from, from + block.shape[0]!), [block.shape[0]!, 1])
      using same = await all.op('aten::eq.Tensor', own)
      ;(await cosines.op('aten::masked_fill_.Scalar', same, -2)).dispose()
    }
    const [values, places] = (await call('aten::topk', [cosines, degree + 1])) as [Tensor, Tensor]
    values.dispose()
    using held = places
    const found = (await held.data()) as BigInt64Array
    for (let i = 0; i < block.shape[0]!; i++) {
      const near = Array.from(found.subarray(i * (degree + 1), (i + 1) * (degree + 1)), Number).filter((j) => j !== from + i)
      to.set(near.slice(0, degree), (from + i) * degree)
    }
  }
  return { rows, degree, to }
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

function orthonormal(vectors: readonly Float64Array[], first: Float64Array): void {
  const done = [first]
  for (const v of vectors) {
    for (const u of done) {
      const along = dot(u, v)
      for (let i = 0; i < v.length; i++) v[i]! -= along * u[i]!
    }
    const length = Math.sqrt(dot(v, v)) || 1
    for (let i = 0; i < v.length; i++) v[i]! /= length
    done.push(v)
  }
}

/** Counts the edges that begin or end at each row. */
function degrees({ rows, degree, to }: Graph): Float64Array {
  const all = new Float64Array(rows).fill(degree)
  for (const j of to) all[j]! += 1
  return all
}

/**
 * Returns the leading eigenvectors of the random walk on a graph; along them, groups with few edges between them are separated.
 *
 * Source: Shi & Malik 2000; power iteration from seeded starts.
 */
function orders(graph: Graph, count: number): Float64Array[] {
  const { rows, degree, to } = graph
  const roots = degrees(graph).map(Math.sqrt)
  const length = Math.sqrt(dot(roots, roots))
  const constant = roots.map((root) => root / length)
  const normal = normals(0)
  const vectors = Array.from({ length: count }, () => Float64Array.from({ length: rows }, normal))
  orthonormal(vectors, constant)
  // entry i of vector c is at i · count + c: a row's edges are read once for all vectors
  const [scaled, sums] = [new Float64Array(rows * count), new Float64Array(rows * count)]
  for (let step = 1; step <= STEPS; step++) {
    for (const [c, v] of vectors.entries()) for (let i = 0; i < rows; i++) scaled[i * count + c] = v[i]! / roots[i]!
    sums.fill(0)
    for (let i = 0, e = 0; i < rows; i++)
      for (let k = 0; k < degree; k++, e++)
        for (let own = i * count, other = to[e]! * count, c = 0; c < count; c++, own++, other++) {
          sums[own]! += scaled[other]!
          sums[other]! += scaled[own]!
        }
    for (const [c, v] of vectors.entries()) for (let i = 0; i < rows; i++) v[i] = (v[i]! + sums[i * count + c]! / roots[i]!) / 2
    if (step % 5 === 0) orthonormal(vectors, constant)
  }
  return vectors.map((v) => v.map((x, i) => x / roots[i]!))
}

/** Returns the smaller side of the cut along `order` with the lowest normalised cut: 1 for each row in it. */
function bestCut(graph: Graph, order: Float64Array, least: number): Uint8Array {
  const { rows, degree, to } = graph
  const sorted = Int32Array.from(order.keys()).sort((a, b) => order[a]! - order[b]! || a - b)
  const place = new Int32Array(rows)
  for (const [at, row] of sorted.entries()) place[row] = at
  const change = new Float64Array(rows + 1)
  for (const [e, j] of to.entries()) {
    const [a, b] = [place[Math.floor(e / degree)]!, place[j]!]
    change[Math.min(a, b) + 1]! += 1
    change[Math.max(a, b) + 1]! -= 1
  }
  const all = degrees(graph)
  const total = 2 * to.length
  let [across, volume, best, at] = [0, 0, Infinity, least]
  for (let size = 1; size <= rows - least; size++) {
    across += change[size]!
    volume += all[sorted[size - 1]!]!
    const conductance = across / Math.min(volume, total - volume)
    if (size >= least && conductance < best) [best, at] = [conductance, size]
  }
  const side = new Uint8Array(rows)
  for (const row of at <= rows / 2 ? sorted.subarray(0, at) : sorted.subarray(at)) side[row] = 1
  return side
}

/** Splits the rows in two by cuts with few edges; rows whose neighbours lie across the cut are in neither part. */
export function divisions(graph: Graph, count: number, least: number): (readonly [Int32Array, Int32Array])[] {
  const { rows, degree, to } = graph
  const inner = (side: Uint8Array, of: 0 | 1) =>
    Int32Array.from({ length: rows }, (_, i) => i).filter((i) => {
      if (side[i] !== of) return false
      let same = 0
      for (let k = 0; k < degree; k++) same += Number(side[to[i * degree + k]!] === of)
      return same >= 0.75 * degree
    })
  return orders(graph, count).map((order) => {
    const side = bestCut(graph, order, least)
    return [inner(side, 1), inner(side, 0)] as const
  })
}
