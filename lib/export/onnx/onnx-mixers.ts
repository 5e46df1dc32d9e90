import { causal, type Emit, linear, numbers, silu, square } from './onnx-parts.js'
import type { OnnxWriter } from './onnx-writer.js'

/** x / √(mean(x²) + eps) · weight. */
export function rms(w: OnnxWriter, x: string, weight: string | undefined, eps: number): string {
  const mean = w.op('ReduceMean', [square(w, x)], { axes: [-1], keepdims: 1 })
  const scaled = w.div(x, w.op('Sqrt', [w.add(mean, eps)]))
  return weight === undefined ? scaled : w.mul(scaled, weight)
}

/** A short depthwise causal convolution with the node's weight and bias. */
export function shortConv(w: OnnxWriter, x: string, prefix: string): string {
  const [channels, , taps] = w.shape(`${prefix}weight`) as [number, number, number]
  const given = [w.transpose(x, 0, 2, 1), w.param(`${prefix}weight`), w.param(`${prefix}bias`)]
  return w.transpose(w.op('Conv', given, { group: channels, kernel_shape: [taps], pads: [taps - 1, 0] }), 0, 2, 1)
}

/** Decay from every position to another, over all pairs: sums of logarithms between them. Shapes: [batch, heads, time, time]. */
function decays(w: OnnxWriter, logarithms: string): string {
  const column = w.unsqueeze(w.transpose(logarithms, 0, 2, 1), 3)
  const strictlyLater = w.op('Not', [w.transpose(causal(w), 1, 0)])
  const sums = w.op('CumSum', [w.op('Where', [strictlyLater, column, 0]), w.ints([2], [])])
  return w.op('Where', [causal(w), w.op('Exp', [sums]), 0])
}

export const mamba2: Emit = (w, node, x) => {
  const { inner, state, headDim } = numbers(node) as Record<'inner' | 'state' | 'headDim', number>
  const heads = inner / headDim
  const projected = linear(w, x, w.weight('in_proj.weight'))
  const [gate, mixed, steps] = w.split(projected, [inner, inner + 2 * state, heads]) as [string, string, string]
  const [u, b, c] = w.split(silu(w, shortConv(w, mixed, 'conv1d.')), [inner, state, state]) as [string, string, string]
  const values = w.reshape(u, 0, 0, heads, headDim)
  const dt = w.op('Softplus', [w.add(steps, w.param('dt_bias'))])
  const decay = decays(w, w.mul(dt, w.op('Neg', [w.op('Exp', [w.param('A_log')])])))
  const pairs = w.mul(w.unsqueeze(w.matmul(c, w.transpose(b, 0, 2, 1)), 1), decay)
  const y = w.matmul(pairs, w.transpose(w.mul(values, w.unsqueeze(dt, 3)), 0, 2, 1, 3))
  const skipped = w.add(w.transpose(y, 0, 2, 1, 3), w.mul(values, w.unsqueeze(w.param('D'), 1)))
  const norm = rms(w, w.mul(w.reshape(skipped, 0, 0, -1), silu(w, gate)), w.param('norm.weight'), 1e-5)
  return linear(w, norm, w.weight('out_proj.weight'))
}

/** x · mix + (x one position earlier) · (1 − mix), projected. */
function shifted(w: OnnxWriter, x: string, name: string, to: string): string {
  const mix = w.param(`time_mix_${name}`)
  const padded = w.op('Pad', [x, w.ints([0, 1, 0, 0, -1, 0])])
  const both = w.add(w.mul(x, mix), w.mul(padded, w.sub(1, mix)))
  return linear(w, both, w.weight(`${to}.weight`))
}

/** Numerically stable form of the recurrence: `o` is the largest exponent so far. */
function wkv(w: OnnxWriter, k: string, v: string): string {
  const decay = w.op('Neg', [w.op('Exp', [w.param('time_decay')])])
  const first = w.param('time_first')
  const [channels] = w.shape('time_decay') as [number]
  const like = w.op('Shape', [w.gather(k, 0, 1)])
  const start = (value: number) => w.op('Expand', [w.constant([value]), like])
  const port = (name: string) => ({ name, element: 'float32', shape: ['batch', channels] }) as const
  const exp = (a: string, b: string) => w.op('Exp', [w.sub(a, b)])
  const step = w.body(['p', 'q', 'o', 'k', 'v'].map(port), (...names) => {
    const [p, q, o, kt, vt] = names as [string, string, string, string, string]
    const now = w.add(kt, first)
    const m = w.op('Max', [o, now])
    const [a, b] = [exp(o, m), exp(now, m)]
    const y = w.div(w.add(w.mul(a, p), w.mul(b, vt)), w.add(w.mul(a, q), b))
    const faded = w.add(o, decay)
    const next = w.op('Max', [faded, kt])
    const [c, d] = [exp(faded, next), exp(kt, next)]
    return [w.add(w.mul(c, p), w.mul(d, vt)), w.add(w.mul(c, q), d), w.op('Identity', [next]), y].map(port)
  })
  const given = [start(0), start(0), start(-1e38), k, v]
  return w.ops('Scan', given, 4, { body: { body: step }, num_scan_inputs: 2, scan_input_axes: [1, 1], scan_output_axes: [1] })[3]!
}

export const timeMixing: Emit = (w, _, x) => {
  const [k, v, r] = [shifted(w, x, 'k', 'key'), shifted(w, x, 'v', 'value'), shifted(w, x, 'r', 'receptance')]
  return linear(w, w.mul(w.op('Sigmoid', [r]), wkv(w, k, v)), w.weight('output.weight'))
}
export const channelMixing: Emit = (w, _, x) => {
  const [k, r] = [shifted(w, x, 'k', 'key'), shifted(w, x, 'r', 'receptance')]
  return w.mul(w.op('Sigmoid', [r]), linear(w, square(w, w.op('Relu', [k])), w.weight('value.weight')))
}
