import {
  angles,
  causal,
  type Emit,
  heads,
  joined,
  linear,
  numbers,
  positions,
  rotatePairs,
  scaledProducts,
  square,
} from './onnx-parts.js'
import type { OnnxWriter, Value } from './onnx-writer.js'

const NEVER = -3.4028234663852886e38

function softmax(w: OnnxWriter, q: string, k: string, v: string, masked: boolean): string {
  const scores = scaledProducts(w, q, k)
  const seen = masked ? w.op('Where', [causal(w), scores, NEVER]) : scores
  return joined(w, w.matmul(w.op('Softmax', [seen], { axis: -1 }), v))
}

export const attention: Emit = (w, { params }, x) => {
  const {
    heads: count,
    dim,
    inner = dim,
    cross,
    causal: masked,
  } = params as Record<string, number> & { cross: boolean; causal: boolean }
  const part = (i: number, of: string) => {
    const rows = [[i * inner!, inner!]] as const
    const bias = w.weight('in_proj_bias', { rows })
    return heads(w, linear(w, of, w.weight('in_proj_weight', { rows, transposed: true }), bias), count!)
  }
  const from = cross ? w.memory : x
  const y = softmax(w, part(0, x), part(1, from), part(2, from), masked)
  return linear(w, y, w.weight('out_proj.weight'), w.param('out_proj.bias'))
}

/** Turns the first `turned` channels of each head, in halves. */
function rotateHalves(w: OnnxWriter, x: string, [s, c]: readonly [Value, Value], turned: number): string {
  const half = turned / 2
  const [a, b] = [w.slice(x, -1, 0, half), w.slice(x, -1, half, turned)]
  const rest = w.slice(x, -1, turned, Number.MAX_SAFE_INTEGER)
  return w.concat([w.sub(w.mul(a, c), w.mul(b, s)), w.add(w.mul(b, c), w.mul(a, s)), rest], -1)
}

export const attend: Emit = (w, node, x) => {
  const { heads: count, turned } = numbers(node) as Record<'heads' | 'turned', number>
  const { rotary } = node.params
  const [q, k, v] = w.equal(x, 3).map((third) => heads(w, third, count)) as [string, string, string]
  if (rotary === 'none') return softmax(w, q, k, v, true)
  const turn = (of: string) => (rotary === 'pairs' ? rotatePairs : rotateHalves)(w, of, angles(w, turned), turned)
  return softmax(w, turn(q), turn(k), v, true)
}

/** A position beyond the rows of the table is an error of Gather. */
export const linformer: Emit = (w, node, x) => {
  const [q, k, v] = w.equal(x, 3).map((third) => heads(w, third, numbers(node).heads!)) as [string, string, string]
  const slots = (of: string, name: string) => w.matmul(w.transpose(w.gather(w.param(name), positions(w), 0), 1, 0), of)
  const shares = w.op('Softmax', [scaledProducts(w, q, slots(k, 'proj_k'))], { axis: -1 })
  return joined(w, w.matmul(shares, slots(v, 'proj_v')))
}

const SMALL = { feature: 0.0001, total: 0.000001 }
/** Attention with positive random features over all pairs of positions. */
export const favor: Emit = (w, node, x) => {
  const { heads: count } = numbers(node)
  const [features, channels] = w.shape('projection_matrix') as [number, number]
  const [q, k, v] = w.equal(x, 3).map((third) => heads(w, third, count!)) as [string, string, string]
  const project = (of: string, axes: number[]) => {
    const turned = w.mul(rotatePairs(w, of, angles(w, channels), channels), channels ** -0.25)
    const products = w.matmul(turned, w.weight('projection_matrix'))
    const halves = w.mul(w.sum(square(w, turned)), 0.5)
    const largest = w.op('ReduceMax', [products], { axes, keepdims: 1 })
    const exponents = w.sub(w.sub(products, halves), largest)
    return w.mul(w.add(w.op('Exp', [exponents]), SMALL.feature), features ** -0.5)
  }
  const [a, b] = [project(q, [-1]), project(k, [-2, -1])]
  const pairs = w.matmul(a, w.transpose(b, 0, 1, 3, 2))
  if (node.params.causal !== true) return joined(w, w.div(w.matmul(pairs, v), w.sum(pairs)))
  const earlier = w.op('Where', [causal(w), pairs, 0])
  const total = w.add(w.sum(earlier), w.mul(w.sum(a), SMALL.total))
  return joined(w, w.div(w.matmul(earlier, v), total))
}
