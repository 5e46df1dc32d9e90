import type { Node } from '../../spec/ops.js'
import { call, Tensor } from '../../torch/tensor.js'
import type { OnnxWriter, Value } from './onnx-writer.js'

/** Emits the nodes of an op on `x` and returns the name of their result. */
export type Emit = (w: OnnxWriter, node: Node, x: string) => string

export const numbers = (node: Node) => node.params as Readonly<Record<string, number>>
export const words = (node: Node) => node.params as Readonly<Record<string, string>>

export const silu = (w: OnnxWriter, x: string): string => w.mul(x, w.op('Sigmoid', [x]))
export const square = (w: OnnxWriter, x: string): string => w.mul(x, x)
/** x · weightᵀ + bias; the weight is stored transposed. */
export function linear(w: OnnxWriter, x: string, weight: string, bias?: string): string {
  const y = w.matmul(x, weight)
  return bias === undefined ? y : w.add(y, bias)
}

/** Positions from 0. Shapes: [time], int64. */
export const positions = (w: OnnxWriter): string =>
  w.once(`positions/${w.time}`, () => w.op('Range', [w.ints([0], []), w.time, w.ints([1], [])]))
/** Positions from the last one to 0. Shapes: [time]. */
export const ages = (w: OnnxWriter): string =>
  w.once(`ages/${w.time}`, () => w.cast(w.sub(w.sub(w.time, w.ints([1], [])), positions(w)), 'float32'))
const rowsAndColumns = (w: OnnxWriter) => [w.unsqueeze(positions(w), 1), w.unsqueeze(positions(w), 0)] as const
/** Whether a position is at or before another. Shapes: [time, time], bool. */
export const causal = (w: OnnxWriter): string => w.once(`causal/${w.time}`, () => w.op('GreaterOrEqual', rowsAndColumns(w)))
/** Number of positions from each one back to another, 0 for later ones. Shapes: [time, time]. */
export const distances = (w: OnnxWriter): string =>
  w.once(`distances/${w.time}`, () => w.op('Relu', [w.cast(w.sub(...rowsAndColumns(w)), 'float32')]))

/** Square root of the number of channels. Shapes: [1]. */
const rootOfChannels = (w: OnnxWriter, x: string) => w.op('Sqrt', [w.cast(w.op('Shape', [x], { start: -1 }), 'float32')])
/** Shapes: [batch, time, heads · e] → [batch, heads, time, e]. */
export const heads = (w: OnnxWriter, x: string, count: number): string => w.transpose(w.reshape(x, 0, 0, count, -1), 0, 2, 1, 3)
/** Shapes: [batch, heads, time, e] → [batch, time, heads · e]. */
export const joined = (w: OnnxWriter, x: string): string => w.reshape(w.transpose(x, 0, 2, 1, 3), 0, 0, -1)
/** Scores of queries and keys. */
export const scaledProducts = (w: OnnxWriter, q: string, k: string): string =>
  w.div(w.matmul(q, w.transpose(k, 0, 1, 3, 2)), rootOfChannels(w, q))

/** 1 / 10000^x with the rounding of libtorch. */
const rates = async (exponents: readonly number[], divisor: number): Promise<Tensor> => {
  using given = Tensor.from(Float32Array.from(exponents))
  using part = await given.op('aten::div', divisor)
  using power = (await call('aten::pow', [10000, part])) as Tensor
  return power.op('aten::reciprocal')
}
const sinesOf = (w: OnnxWriter, key: string, count: number, make: () => Promise<Tensor>): readonly [string, string] => {
  const by = w.once(`${key}/${w.time}`, () =>
    w.mul(w.unsqueeze(w.cast(positions(w), 'float32'), 1), w.computed(key, [count], make)),
  )
  return [w.once(`sin/${key}/${w.time}`, () => w.op('Sin', [by])), w.once(`cos/${key}/${w.time}`, () => w.op('Cos', [by]))]
}
const evens = (count: number) => Array.from({ length: Math.ceil(count / 2) }, (_, i) => 2 * i)
/** Sines and cosines of rotary positions. Shapes: [time, channels / 2]. */
export const angles = (w: OnnxWriter, channels: number) =>
  sinesOf(w, `rates/${channels}`, Math.ceil(channels / 2), () => rates(evens(channels), channels))
/** As `angles`, with the rates of retention, which end at 1/10000. */
export const retentionAngles = (w: OnnxWriter, channels: number) =>
  sinesOf(w, `retention rates/${channels}`, channels / 2, async () => {
    using steps = (await call('aten::linspace', [0, 1, channels / 2], { dtype: 'float32' })) as Tensor
    using power = (await call('aten::pow', [10000, steps])) as Tensor
    return power.op('aten::reciprocal')
  })
/** Sines and cosines of `sinusoid`. Shapes: [time, dim / 2]. */
export const sinusoidAngles = (w: OnnxWriter, dim: number, layout: string) =>
  layout === 'pairs'
    ? sinesOf(w, `pair rates/${dim}`, Math.ceil(dim / 2), async () => {
        using even = Tensor.from(Float32Array.from(evens(dim)))
        using logarithm = await even.op('aten::mul', -Math.log(10000) / dim)
        return logarithm.op('aten::exp')
      })
    : angles(w, dim)

/** Interleaves the channels of two values. */
export function interleaved(w: OnnxWriter, a: string, b: string, ...leading: number[]): string {
  return w.reshape(w.concat([w.unsqueeze(a, -1), w.unsqueeze(b, -1)], -1), ...leading, -1)
}
/** Turns neighbouring pairs of channels. Shapes: [batch, heads, time, channels]. */
export function rotatePairs(w: OnnxWriter, x: string, [s, c]: readonly [Value, Value], channels: number): string {
  const both = w.reshape(x, 0, 0, 0, channels / 2, 2)
  const [a, b] = [w.gather(both, 0, -1), w.gather(both, 1, -1)]
  return interleaved(w, w.sub(w.mul(a, c), w.mul(b, s)), w.add(w.mul(b, c), w.mul(a, s)), 0, 0, 0)
}
