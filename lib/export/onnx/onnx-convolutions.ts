import { rms } from './onnx-mixers.js'
import {
  causal,
  distances,
  type Emit,
  heads,
  joined,
  linear,
  numbers,
  positions,
  retentionAngles,
  rotatePairs,
  silu,
} from './onnx-parts.js'
import type { OnnxWriter } from './onnx-writer.js'

/** A complex value: its real and imaginary part, in float64. */
interface Complex {
  readonly re: string
  readonly im: string
}
const two = (w: OnnxWriter) => w.constant([2], [], 'float64')
const times = (w: OnnxWriter, a: Complex, b: Complex): Complex => ({
  re: w.sub(w.mul(a.re, b.re), w.mul(a.im, b.im)),
  im: w.add(w.mul(a.re, b.im), w.mul(a.im, b.re)),
})
const scaled = (w: OnnxWriter, a: Complex, by: string): Complex => ({ re: w.mul(a.re, by), im: w.mul(a.im, by) })
const conjugate = (w: OnnxWriter, { re, im }: Complex): Complex => ({ re, im: w.op('Neg', [im]) })
/** 2 · Re(Σ a · b) over the states. Shapes: [channels, 1]. */
const realSum = (w: OnnxWriter, a: Complex, b: Complex) => w.mul(w.sum(w.sub(w.mul(a.re, b.re), w.mul(a.im, b.im))), two(w))
/** A parameter in float64. */
const wide = (w: OnnxWriter, name: string) => w.cast(w.param(`kernel.${name}`), 'float64')
/** A complex parameter [1, copies, states, 2], repeated for all channels. */
function complex(w: OnnxWriter, name: string, first: boolean, copies = 1): Complex {
  const value = first ? w.squeeze(wide(w, name), 0) : wide(w, name)
  const part = (i: number) => repeated(w, w.gather(value, i, -1), copies)
  return { re: part(0), im: part(1) }
}
const repeated = (w: OnnxWriter, x: string, copies: number) => (copies === 1 ? x : w.op('Tile', [x, w.ints([copies, 1])]))

/** Runs a recurrence for every position. Returns its outputs, the last position first. Shapes: [time, channels]. */
function kernel(
  w: OnnxWriter,
  channels: number,
  states: number,
  start: Complex,
  impulses: string,
  step: (state: Complex, impulse: string) => { state: Complex; output: string },
): string {
  const port = (name: string, shape: readonly number[]) => ({ name, element: 'float64', shape }) as const
  const [state, output] = [[channels, states], [channels]]
  const body = w.body([port('re', state), port('im', state), port('impulse', [])], (re, im, impulse) => {
    const next = step({ re: re!, im: im! }, impulse!)
    return [port(next.state.re, state), port(next.state.im, state), port(w.squeeze(next.output, 1), output)]
  })
  const given = [start.re, start.im, impulses]
  return w.ops('Scan', given, 3, { body: { body }, num_scan_inputs: 1, scan_output_directions: [1] })[2]!
}
/** 1 at position 0, 0 elsewhere. */
const impulse = (w: OnnxWriter) =>
  w.once(`impulse/${w.time}`, () => w.cast(w.op('Equal', [positions(w), w.ints([0], [])]), 'float64'))

/** Causal convolution with kernels as long as the context, the last position first. Shapes: [batch, time, dim]. */
function longConv(w: OnnxWriter, x: string, reversed: string, channels: number): string {
  const before = w.op('Concat', [w.ints([0, 0]), w.reshape(w.sub(w.time, w.ints([1], [])), 1), w.ints([0, 0, 0])], { axis: 0 })
  const padded = w.op('Pad', [w.transpose(x, 0, 2, 1), before])
  const filters = w.unsqueeze(w.transpose(reversed, 1, 0), 1)
  return w.transpose(w.op('Conv', [padded, filters], { group: channels }), 0, 2, 1)
}

export const s4: Emit = (w, _, x) => {
  const [channels] = w.shape('kernel.inv_dt') as [number]
  const [matrices, states] = w.shape('kernel.A_real') as [number, number]
  const copies = channels / matrices
  const rate = w.div(two(w), w.op('Exp', [wide(w, 'inv_dt')])) // [channels, 1]
  const a = {
    re: repeated(w, w.op('Neg', [w.op('Exp', [wide(w, 'A_real')])]), copies),
    im: repeated(w, w.op('Neg', [wide(w, 'A_imag')]), copies),
  }
  const [b, p, c] = [complex(w, 'B', true, copies), complex(w, 'P', true, copies), complex(w, 'C', true)]
  const below = { re: w.sub(rate, a.re), im: w.op('Neg', [a.im]) }
  const length = w.add(w.mul(below.re, below.re), w.mul(below.im, below.im))
  const d = { re: w.div(below.re, length), im: w.div(w.op('Neg', [below.im]), length) }
  const e = { re: w.add(rate, a.re), im: a.im }
  const q = conjugate(w, p)
  const one = w.constant([1], [], 'float64')
  const weight = w.add(w.mul(w.sum(w.mul(w.add(w.mul(p.re, p.re), w.mul(p.im, p.im)), d.re)), two(w)), one)
  const r = scaled(w, times(w, q, d), w.div(one, weight))
  const none = w.sub(a.re, a.re)
  const entered = scaled(w, b, two(w))
  const k = kernel(w, channels, states, { re: none, im: none }, impulse(w), (s, now) => {
    const moved = times(w, e, s)
    const lost = scaled(w, p, realSum(w, q, s))
    const come = scaled(w, entered, now)
    const y = { re: w.add(w.sub(moved.re, lost.re), come.re), im: w.add(w.sub(moved.im, lost.im), come.im) }
    const corrected = scaled(w, p, realSum(w, r, y))
    const state = times(w, d, { re: w.sub(y.re, corrected.re), im: w.sub(y.im, corrected.im) })
    return { state, output: realSum(w, c, state) }
  })
  return w.add(longConv(w, x, w.cast(k, 'float32'), channels), w.mul(x, w.squeeze(w.param('D'), 0)))
}

export const s4d: Emit = (w, _, x) => {
  const [channels, states] = w.shape('kernel.log_A_real') as [number, number]
  const a = { re: w.op('Neg', [w.op('Exp', [wide(w, 'log_A_real')])]), im: wide(w, 'A_imag') }
  const z = scaled(w, a, w.unsqueeze(w.op('Exp', [wide(w, 'log_dt')]), 1))
  const size = w.op('Exp', [z.re])
  const turn = { re: w.mul(size, w.op('Cos', [z.im])), im: w.mul(size, w.op('Sin', [z.im])) }
  const length = w.add(w.mul(a.re, a.re), w.mul(a.im, a.im))
  const inverse = { re: w.div(a.re, length), im: w.div(w.op('Neg', [a.im]), length) }
  const step = { re: w.sub(turn.re, w.constant([1], [], 'float64')), im: turn.im }
  const start = times(w, complex(w, 'C', false), times(w, step, inverse))
  const one = { re: w.constant([1], [1, 1], 'float64'), im: w.constant([0], [1, 1], 'float64') }
  const k = kernel(w, channels, states, start, impulse(w), (s) => ({
    state: times(w, s, turn),
    output: realSum(w, s, one),
  }))
  return w.add(longConv(w, x, w.cast(k, 'float32'), channels), w.mul(x, w.param('D')))
}

/** The filters are those of the last `time` positions in reverse order; a position beyond their rows is an error of Gather. */
export const hyena: Emit = (w, node, x) => {
  const { dim, order } = numbers(node) as Record<'dim' | 'order', number>
  const widened = (name: string) => w.cast(w.param(name), 'float64')
  let h = w.squeeze(widened('pos_emb.z'), 0)
  for (const i of [0, 2, 4]) {
    const weight = w.cast(w.weight(`implicit_filter.${i}.weight`), 'float64')
    const inner = w.add(w.matmul(h, weight), widened(`implicit_filter.${i}.bias`))
    h = w.op('Sin', [w.mul(widened('implicit_filter.1.freq'), inner)])
  }
  h = w.matmul(h, w.cast(w.weight('implicit_filter.6.weight'), 'float64'))
  if (node.params.modulate === true) {
    const rate = w.op('Abs', [w.squeeze(widened('modulation.deltas'), 0)])
    h = w.mul(h, w.op('Exp', [w.op('Neg', [w.mul(w.squeeze(widened('pos_emb.t'), 0), rate)])]))
  }
  const backward = w.cast(w.sub(w.sub(w.time, w.ints([1], [])), positions(w)), 'int64')
  const filters = w.gather(w.cast(h, 'float32'), backward, 0)
  const parts = w.split(
    x,
    Array.from({ length: order + 1 }, () => dim),
  )
  let v = parts[order]!
  for (let i = order - 1; i >= 1; i--) {
    const at = (order - 1 - i) * dim
    v = w.mul(v, parts[i]!)
    const filter = order === 2 ? filters : w.slice(filters, 1, at, at + dim)
    v = w.add(longConv(w, v, filter, dim), w.mul(v, w.weight('bias', { rows: [[at, dim]] })))
  }
  return w.mul(v, parts[0]!)
}

export const retention: Emit = (w, node, x) => {
  const { heads: count, eps, dim } = numbers(node) as Record<'heads' | 'eps' | 'dim', number>
  const channels = dim / count
  const [q, k, v, g] = ['q', 'k', 'v', 'g'].map((name) => linear(w, x, w.weight(`${name}_proj.weight`))) as [
    string,
    string,
    string,
    string,
  ]
  const turn = (of: string) => rotatePairs(w, heads(w, of, count), retentionAngles(w, channels), channels)
  const fades = Array.from({ length: count }, (_, h) => Math.log(1 - 2 ** (-5 - h)))
  const powers = w.op('Exp', [w.mul(distances(w), w.constant(fades, [count, 1, 1]))])
  const m = w.op('Where', [causal(w), powers, 0]) // [heads, time, time]
  const products = w.matmul(turn(q), w.transpose(w.mul(turn(k), channels ** -0.5), 0, 1, 3, 2))
  const a = w.mul(products, w.div(m, w.op('Sqrt', [w.sum(m)])))
  const total = w.op('Clip', [w.sum(w.op('Abs', [a])), 1, 50000])
  const o = rms(w, w.matmul(w.div(a, total), heads(w, v, count)), undefined, eps)
  return linear(w, w.mul(silu(w, g), joined(w, o)), w.weight('out_proj.weight'))
}
