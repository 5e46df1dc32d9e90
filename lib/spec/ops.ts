import type { SpecNode } from '../addon.js'

/** Ops of models that read token ids. These are not trained. */
const TEXT_OPS = {
  textModel: { dim: 'int' },
  embedding: { entries: 'int', dim: 'int' },
  absolutePositions: { rows: 'int', dim: 'int', first: 'count' },
  tokenType: { types: 'int', dim: 'int' },
  relativeBias: { buckets: 'int', distance: 'int', causal: 'bool' },
  textAttention: { heads: 'int', scaled: 'bool' },
  pool: { kind: 'text' },
  unit: {},
} as const

/** All ops that C++ can build: op → parameter → kind. test/spec/contract.test.ts compares them with C++. */
export const OPS = {
  chain: {},
  residual: { dropout: 'real' },
  memory: {},
  product: {},
  concat: {},
  predictor: { dim: 'int', output: 'text', residual: 'text', inputScale: 'text' },
  memoryInput: { memories: 'int' },
  memoryMixture: { dim: 'int', memories: 'int', width: 'int' },
  linear: { in: 'int', out: 'int', bias: 'bool', transposed: 'bool', init: 'text', gain: 'real' },
  layerNorm: { dim: 'int', eps: 'real' },
  rmsNorm: { dim: 'int', eps: 'real' },
  activation: { kind: 'text' },
  dropout: { rate: 'real' },
  sinusoid: { dim: 'int', layout: 'text' },
  positions: { rows: 'int', dim: 'int', std: 'real' },
  conv: { channels: 'int', kernel: 'int' },
  lstm: { in: 'int', width: 'int', layers: 'int', dropout: 'real' },
  gru: { in: 'int', width: 'int' },
  attention: { dim: 'int', heads: 'int', cross: 'bool', causal: 'bool', dropout: 'real' },
  narrowAttention: { dim: 'int', inner: 'int', heads: 'int', cross: 'bool', causal: 'bool', dropout: 'real' },
  attend: { heads: 'int', rotary: 'text', turned: 'int', dropout: 'real' },
  mamba2: { dim: 'int', inner: 'int', state: 'int', headDim: 'int', kernel: 'int', gain: 'real' },
  timeMixing: { dim: 'int', layer: 'int', layers: 'int' },
  channelMixing: { dim: 'int', hidden: 'int', layer: 'int', layers: 'int' },
  linformer: { heads: 'int', rows: 'int', slots: 'int', dropout: 'real' },
  retention: { dim: 'int', value: 'int', heads: 'int', eps: 'real' },
  s4: { dim: 'int', state: 'int', copies: 'int' },
  s4d: { dim: 'int', state: 'int' },
  hyena: { dim: 'int', order: 'int', rows: 'int', width: 'int', bands: 'int', frequency: 'real', modulate: 'bool' },
  pointwise: { in: 'int', out: 'int' },
  favor: { heads: 'int', channels: 'int', features: 'int', causal: 'bool' },
  redraw: { every: 'int' },
  flatten: { context: 'int' },
  ...TEXT_OPS,
} as const

type Kind = { int: number; count: number; real: number; bool: boolean; text: string }
export type OpName = keyof typeof OPS
/** Ops of predictors, which read vectors. */
export type PredictorOp = Exclude<OpName, keyof typeof TEXT_OPS>
export type Params<K extends OpName> = { -readonly [P in keyof (typeof OPS)[K]]: Kind[(typeof OPS)[K][P] & keyof Kind] }

/**
 * A node of a spec: plain data that can be printed, compared, hashed and stored in a checkpoint.
 *
 * `name` is this node's part of its parameters' names. A `tied` node shares the tensors of an earlier node of the same name.
 */
export interface Node extends SpecNode {
  readonly op: OpName
  readonly of: readonly Node[]
}

const node = <K extends OpName>(op: K, params: Params<K>, ...of: Node[]): Node => ({ op, params, of })

/** Sets a node's part of the parameter names: `named('core', named('norm', layerNorm(…)))` gives `core.norm.weight`. */
export const named = (name: string, of: Node): Node => ({ ...of, name: of.name === undefined ? name : `${name}.${of.name}` })
/** Shares the tensors of an earlier node of the same full name. */
export const tied = (of: Node): Node => ({ ...of, tied: true })

/** Applies nodes one after the other. */
export const chain = (...of: Node[]): Node => node('chain', {}, ...of)
/** x + dropout(f(x)). */
export const residual = (dropout: number, ...of: Node[]): Node => node('residual', { dropout }, ...of)
/** Keeps its input for the cross-attention inside. */
export const memory = (...of: Node[]): Node => node('memory', {}, ...of)
/** Multiplies the outputs of all children for the same input, element by element. */
export const product = (...of: Node[]): Node => node('product', {}, ...of)
/** Concatenates the outputs of all children for the same input along channels. */
export const concat = (...of: Node[]): Node => node('concat', {}, ...of)
/** The wrapper of every model: input scale, trunk, last position, head, residual to the context, output; a residual of memory is a third part. */
export const predictor = (p: Params<'predictor'>, trunk: Node, head: Node, ...memory: Node[]): Node =>
  node('predictor', p, trunk, head, ...memory)
/** Puts exponential means of all vectors so far beside each vector; their decays are learned. */
export const memoryInput = (memories: number): Node => node('memoryInput', { memories })
/** A mixture of exponential means of all vectors so far; decays are learned, and weights that depend on the trunk's output of `width` channels. */
export const memoryMixture = (p: Params<'memoryMixture'>): Node => node('memoryMixture', p)
/** Linear layer; `init` and `gain` choose its initial weights, `transposed` stores the weight as [in, out]. */
export const linear = (p: Pick<Params<'linear'>, 'in' | 'out'> & Partial<Params<'linear'>>): Node =>
  node('linear', { bias: true, transposed: false, init: 'default', gain: 1, ...p })
/** Layer normalisation over channels, with a gain and a bias. */
export const layerNorm = (dim: number, eps = 1e-5): Node => node('layerNorm', { dim, eps })
/** Division by the root mean square over channels, with a gain. */
export const rmsNorm = (dim: number, eps: number): Node => node('rmsNorm', { dim, eps })
export type Activation = 'relu' | 'gelu' | 'gelu_tanh' | 'silu' | 'tanh' | 'sigmoid' | 'glu'
/** gelu with erf; glu: one half of the channels, gated by the sigmoid of the other. */
export const activation = (kind: Activation): Node => node('activation', { kind })
/** Sets a share of the elements to zero in training and scales the others up. */
export const dropout = (rate: number): Node => node('dropout', { rate })
/** Adds sine and cosine of the position: `pairs` interleaves them, `halves` puts all sines first. */
export const sinusoid = (dim: number, layout: 'pairs' | 'halves'): Node => node('sinusoid', { dim, layout })
/** Adds a learned vector to every position. */
export const positions = (rows: number, dim: number, std: number): Node => node('positions', { rows, dim, std })
/** Causal depthwise convolution of `kernel` taps. */
export const conv = (channels: number, kernel: number): Node => node('conv', { channels, kernel })
/** Long short-term memory: `layers` recurrent layers with dropout between them. */
export const lstm = (p: Params<'lstm'>): Node => node('lstm', p)
/** Gated recurrent unit, one layer. */
export const gru = (p: Params<'gru'>): Node => node('gru', p)
/** Multi-head softmax attention with its projections; the heads together have `inner` channels, `dim` unless given. */
export const attention = ({ inner, ...p }: Params<'attention'> & { inner?: number }): Node =>
  inner === undefined || inner === p.dim ? node('attention', p) : node('narrowAttention', { ...p, inner })
/** Causal softmax attention of concatenated queries, keys and values; rotary positions turn `turned` channels of each head. */
export const attend = (p: Params<'attend'>): Node => node('attend', p)
/** The mixer of Mamba-2: a gated state space with `inner` channels in heads of `headDim`. */
export const mamba2 = (p: Params<'mamba2'>): Node => node('mamba2', p)
/** RWKV's time mixing; its initial weights depend on `layer` of `layers`. */
export const timeMixing = (p: Params<'timeMixing'>): Node => node('timeMixing', p)
/** RWKV's channel mixing, which also reads the previous position. */
export const channelMixing = (p: Params<'channelMixing'>): Node => node('channelMixing', p)
/** Attention to `slots` learned mixtures of up to `rows` positions; not causal. */
export const linformer = (p: Params<'linformer'>): Node => node('linformer', p)
/** Multi-scale retention with its projections; the state has `value` channels. */
export const retention = (p: Params<'retention'>): Node => node('retention', p)
/** S4: a state space per channel, diagonal plus low rank; the channels share `copies` state matrices. */
export const s4 = (p: Params<'s4'>): Node => node('s4', p)
/** S4D: a diagonal state space per channel. */
export const s4d = (p: Params<'s4d'>): Node => node('s4d', p)
/** Hyena operator on order + 1 concatenated projections: gates and long convolutions with filters for `rows` positions. */
export const hyena = (p: Params<'hyena'>): Node => node('hyena', p)
/** A linear layer whose weight is stored as a convolution of one tap. */
export const pointwise = (p: Params<'pointwise'>): Node => node('pointwise', p)
/** FAVOR+: attention estimated with `features` random features per head, of concatenated queries, keys and values, with rotary positions. */
export const favor = (p: Params<'favor'>): Node => node('favor', p)
/** Redraws the random features of all later layers after `every` training passes. */
export const redraw = (every: number): Node => node('redraw', { every })
/** Concatenates the vectors of a context into one. */
export const flatten = (context: number): Node => node('flatten', { context })

/** The root of a model that reads the token ids of texts; its output has `dim` channels. */
export const textModel = (dim: number, ...of: Node[]): Node => node('textModel', { dim }, ...of)
/** A learned vector per token id. */
export const embedding = (entries: number, dim: number): Node => node('embedding', { entries, dim })
/** Adds a learned vector for the position of every token in its text; the first token is at position `first`. */
export const absolutePositions = (p: Params<'absolutePositions'>): Node => node('absolutePositions', p)
/** Adds the learned vector of the first token type to every token. */
export const tokenType = (types: number, dim: number): Node => node('tokenType', { types, dim })
/** Adds a bias by the distance of key and query to all attention inside; `table` is an embedding [buckets, heads]. */
export const relativeBias = (p: Params<'relativeBias'>, table: Node, ...of: Node[]): Node => node('relativeBias', p, table, ...of)
/** Attention of the tokens of each text to one another, with projections to queries, keys, values and the output. */
export const textAttention = (p: Params<'textAttention'>, query: Node, key: Node, value: Node, output: Node): Node =>
  node('textAttention', p, query, key, value, output)
export const POOLS = ['mean', 'mean_sqrt_len', 'weightedmean', 'max', 'cls', 'lasttoken'] as const
export type Pool = (typeof POOLS)[number]
/** One vector per text, from the vectors of its tokens. */
export const pool = (kind: Pool): Node => node('pool', { kind })
/** Scales every vector to length 1. */
export const unit = (): Node => node('unit', {})
