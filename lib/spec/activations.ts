import type { Node, PredictorOp } from './ops.js'

/** Activations that one context keeps for the backward pass. Units: elements (4 bytes each in fp32). */
export interface Activations {
  /** Channels of the output. */
  readonly width: number
  /** Without gradient checkpointing. */
  readonly kept: number
  /** With gradient checkpointing, where residual layers keep only their input. */
  readonly inputs: number
  /** Of the largest residual layer, while the backward pass computes it again. */
  readonly largest: number
}

type P = Readonly<Record<string, number>>
type Own = (p: P, time: number, width: number) => { width: number; kept: number }

const same =
  (each: number): Own =>
  (_, time, width) => ({ width, kept: each * width * time })
/** Attention scores: only contexts of up to 256 keep the whole matrix. */
const scores = (heads: number, time: number, dropout: number) => (time <= 256 ? (dropout > 0 ? 4 : 2) * heads * time * time : 0)

/** Elements kept by each op without its children; estimates, up to a third off. */
const OWN: Readonly<Record<PredictorOp, Own>> = {
  chain: same(0),
  residual: ({ dropout }, time, width) => ({ width, kept: dropout! > 0 ? width * time : 0 }),
  memory: same(0),
  product: same(0),
  concat: same(0),
  predictor: same(1),
  memoryInput: ({ memories }, time, width) => ({
    width: width * (1 + memories!),
    kept: 2 * width * (1 + memories!) * time + memories! * width * Math.ceil(time / 64), // blocks of 64 positions keep the sums before
  }),
  memoryMixture: ({ memories }, time, width) => ({
    width,
    kept: (4 * width * (1 + memories!) + width) * time + memories! * width * Math.ceil(time / 64),
  }),
  linear: ({ in: input, out }, time) => ({ width: out!, kept: input! * time }),
  layerNorm: same(1),
  rmsNorm: same(2),
  activation: same(1),
  dropout: same(1),
  sinusoid: same(0),
  positions: same(0),
  conv: ({ kernel }, time, width) => ({ width, kept: (kernel! + 1) * width * time }),
  lstm: ({ width, layers }, time) => ({ width: width!, kept: 7 * layers! * width! * time }),
  gru: ({ width }, time) => ({ width: width!, kept: 6 * width! * time }),
  attention: ({ heads, dropout }, time, width) => ({ width, kept: 5 * width * time + scores(heads!, time, dropout!) }),
  narrowAttention: ({ inner, heads, dropout }, time, width) => ({
    width,
    kept: (width + 4 * inner!) * time + scores(heads!, time, dropout!),
  }),
  pointwise: ({ in: input, out }, time) => ({ width: out!, kept: input! * time }),
  retention: ({ dim, value, heads }, time) => ({
    width: dim!,
    kept: (4 * dim! + 3 * value!) * time + (time <= 128 ? 2 * heads! * time * time : 0),
  }),
  s4: same(3),
  s4d: same(3),
  hyena: ({ dim, order }, time) => ({ width: dim!, kept: (2 * order! + 3) * dim! * time }),
  favor: ({ heads, features }, time, width) => ({
    width: width / 3,
    kept: 2 * width * time + (time <= 32 ? heads! * time * (2 * features! + time) : 0),
  }),
  redraw: same(0),
  flatten: (_, time, width) => ({ width: width * time, kept: 0 }),
  linformer: ({ heads, slots, dropout }, time, width) => ({
    width: width / 3,
    kept: 1.5 * width * time + (dropout! > 0 ? 3 : 2) * heads! * time * slots!,
  }),
  mamba2: ({ dim, inner, state, headDim }, time) => ({
    width: dim!,
    // long contexts recompute most of it, but hold all of it at once while they do
    kept: (dim! + (time > 64 ? 16 : 5) * inner! + 2 * state!) * time + (inner! / headDim!) * time * Math.min(time, 64),
  }),
  timeMixing: same(8),
  channelMixing: ({ hidden }, time, width) => ({ width, kept: (5 * width + 2 * hidden!) * time }),
  attend: ({ heads, dropout }, time, width) => ({ width: width / 3, kept: 2 * width * time + scores(heads!, time, dropout!) }),
}

/** Estimates the activations of one context of `time` vectors with `width` channels in a spec. */
export function activations(node: Node, time: number, width: number): Activations {
  const own = OWN[node.op as PredictorOp](node.params as P, time, width)
  if (node.params.kind === 'glu') return { width: width / 2, kept: own.kept, inputs: own.kept, largest: own.kept }
  const beside = node.op === 'product' || node.op === 'concat'
  let [at, kept, inputs, largest] = [width, own.kept, own.kept, 0]
  const widths: number[] = []
  for (const child of node.of) {
    const inner = activations(child, time, beside ? width : at)
    kept += inner.kept
    inputs += inner.inputs
    largest = Math.max(largest, inner.largest)
    widths.push(inner.width)
    at = inner.width
  }
  const sum = widths.reduce((a, b) => a + b, 0)
  if (node.op === 'concat') at = sum
  if (beside) kept += sum * time
  if (node.op === 'residual') return { width: at, kept, inputs: width * time, largest: kept }
  return { width: node.of.length > 0 ? at : own.width, kept, inputs: node.of.length > 0 ? inputs : kept, largest }
}
