import type { Node, PredictorOp } from '../../spec/ops.js'
import { attend, attention, favor, linformer } from './onnx-attention.js'
import { hyena, retention, s4, s4d } from './onnx-convolutions.js'
import { memoryInput, memoryMixture } from './onnx-memory.js'
import { channelMixing, mamba2, rms, shortConv, timeMixing } from './onnx-mixers.js'
import { ages, type Emit, interleaved, linear, numbers, positions, silu, sinusoidAngles, words } from './onnx-parts.js'
import { gru, lstm } from './onnx-recurrent.js'
import type { OnnxWriter } from './onnx-writer.js'

const each: Emit = (w, node, x) => node.of.reduce((y, child) => emit(w, child, y), x)
const half = (w: OnnxWriter, x: string, curve: string) => w.mul(w.mul(x, 0.5), w.add(curve, 1))

const ACTIVATIONS: Readonly<Record<string, (w: OnnxWriter, x: string) => string>> = {
  relu: (w, x) => w.op('Relu', [x]),
  tanh: (w, x) => w.op('Tanh', [x]),
  sigmoid: (w, x) => w.op('Sigmoid', [x]),
  silu,
  gelu: (w, x) => half(w, x, w.op('Erf', [w.mul(x, Math.SQRT1_2)])),
  gelu_tanh: (w, x) => {
    const cubed = w.mul(w.mul(w.mul(x, x), x), 0.044715)
    return half(w, x, w.op('Tanh', [w.mul(w.add(x, cubed), Math.sqrt(2 / Math.PI))]))
  },
  glu: (w, x) => {
    const [a, b] = w.equal(x, 2) as [string, string]
    return w.mul(a, w.op('Sigmoid', [b]))
  },
}

/** Emits the anchor of a residual model: last vector, mean or decayed mean of the context. */
function anchor(w: OnnxWriter, kind: string, x: string): string {
  if (kind === 'last') return w.gather(x, -1, 1)
  if (kind === 'mean') return w.op('ReduceMean', [x], { axes: [1], keepdims: 0 })
  const weights = w.op('Pow', [w.op('Sigmoid', [w.param('residual.decay')]), ages(w)])
  return w.squeeze(w.matmul(w.unsqueeze(w.div(weights, w.sum(weights)), 0), x), 1)
}

const predictor: Emit = (w, node, x) => {
  const { residual, inputScale, dim } = node.params
  const { time } = w
  const scaled =
    inputScale === 'sqrt_dim'
      ? w.mul(x, Math.sqrt(dim as number))
      : inputScale === 'standardize'
        ? w.div(w.sub(x, w.param('input.center')), w.param('input.scale'))
        : inputScale === 'whiten'
          ? w.matmul(w.sub(x, w.param('input.center')), w.param('input.whitening'))
          : x
  const hidden = w.gather(emit(w, node.of[0]!, scaled), -1, 1)
  w.time = time
  const raw = emit(w, node.of[1]!, hidden)
  if (residual === 'none') return raw
  if (residual === 'memory') {
    w.features = hidden
    return w.add(w.mul(raw, 1 / Math.sqrt(dim as number)), emit(w, node.of[2]!, x))
  }
  return w.add(raw, w.mul(w.param('residual.weight'), anchor(w, String(residual), x)))
}

const OPS: Readonly<Record<PredictorOp, Emit>> = {
  chain: each,
  residual: (w, node, x) => w.add(x, each(w, node, x)),
  memory: (w, node, x) => w.reading(x, () => each(w, node, x)),
  product: (w, node, x) => node.of.map((child) => emit(w, child, x)).reduce((a, b) => w.mul(a, b)),
  concat: (w, node, x) =>
    w.concat(
      node.of.map((child) => emit(w, child, x)),
      -1,
    ),
  predictor,
  memoryInput,
  memoryMixture,
  linear: (w, { params }, x) => {
    const weight = params.transposed === true ? w.param('weight') : w.weight('weight')
    return linear(w, x, weight, params.bias === true ? w.param('bias') : undefined)
  },
  layerNorm: (w, node, x) =>
    w.op('LayerNormalization', [x, w.param('weight'), w.param('bias')], { axis: -1, epsilon: { float: numbers(node).eps! } }),
  rmsNorm: (w, node, x) => rms(w, x, w.param('weight'), numbers(node).eps!),
  activation: (w, node, x) => ACTIVATIONS[words(node).kind!]!(w, x),
  dropout: (_w, _node, x) => x,
  sinusoid: (w, node, x) => {
    const [s, c] = sinusoidAngles(w, numbers(node).dim!, words(node).layout!)
    return w.add(x, words(node).layout === 'pairs' ? interleaved(w, s, c, 0) : w.concat([s, c], -1))
  },
  positions: (w, _node, x) => w.add(x, w.gather(w.param('weight'), positions(w), 0)), // beyond the table Gather fails
  conv: (w, _node, x) => shortConv(w, x, ''),
  lstm,
  gru,
  attention,
  narrowAttention: attention,
  favor,
  redraw: (_w, _node, x) => x,
  flatten: (w, _node, x) => {
    w.time = w.ints([1], [])
    return w.unsqueeze(w.reshape(x, 0, -1), 1)
  },
  linformer,
  pointwise: (w, _, x) => {
    const [out, into] = w.shape('weight') as [number, number]
    return linear(w, x, w.weight('weight', { shape: [out, into], transposed: true }), w.param('bias'))
  },
  s4,
  s4d,
  hyena,
  retention,
  mamba2,
  timeMixing,
  channelMixing,
  attend,
}

/** Emits a node within the scope of its name. */
export function emit(w: OnnxWriter, node: Node, x: string): string {
  return w.inside(node.name, () => OPS[node.op as PredictorOp](w, node, x))
}
