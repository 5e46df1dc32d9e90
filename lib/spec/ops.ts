import type { SpecNode } from '../addon.js'

/** Every primitive the native side can build: op → parameter → kind. `test/spec/contract.test.ts` holds C++ to it. */
export const OPS = {
  chain: {},
  residual: { dropout: 'real' },
  memory: {},
  product: {},
  concat: {},
  predictor: { dim: 'int', output: 'text', residual: 'text', inputScale: 'text' },
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
} as const

type Kind = { int: number; real: number; bool: boolean; text: string }
export type OpName = keyof typeof OPS
export type Params<K extends OpName> = { -readonly [P in keyof (typeof OPS)[K]]: Kind[(typeof OPS)[K][P] & keyof Kind] }

/**
 * A node of a spec: plain data, so it can be printed, compared, hashed and stored in a checkpoint.
 * `name` is this node's part of its parameters' names; `tied` says that a name may repeat and then means the same tensor.
 */
export interface Node extends SpecNode {
  readonly op: OpName
  readonly of: readonly Node[]
}

const node = <K extends OpName>(op: K, params: Params<K>, ...of: Node[]): Node => ({ op, params, of })

/** Gives a node its part of the parameter names: `named('core', named('norm', layerNorm(…)))` makes `core.norm.weight`. */
export const named = (name: string, of: Node): Node => ({ ...of, name: of.name === undefined ? name : `${name}.${of.name}` })
/** Lets a node share the tensors of an earlier node of the same full name. */
export const tied = (of: Node): Node => ({ ...of, tied: true })

/** One after the other. */
export const chain = (...of: Node[]): Node => node('chain', {}, ...of)
/** x + dropout(f(x)). */
export const residual = (dropout: number, ...of: Node[]): Node => node('residual', { dropout }, ...of)
/** Keeps its input for the cross-attention inside. */
export const memory = (...of: Node[]): Node => node('memory', {}, ...of)
/** The product of what each gives for the same input, element by element. */
export const product = (...of: Node[]): Node => node('product', {}, ...of)
/** What each gives for the same input, one beside the other. */
export const concat = (...of: Node[]): Node => node('concat', {}, ...of)
/** The wrapper of every model: input scale, trunk, last position, head, residual to the context, output. */
export const predictor = (p: Params<'predictor'>, trunk: Node, head: Node): Node => node('predictor', p, trunk, head)
export const linear = (p: Pick<Params<'linear'>, 'in' | 'out'> & Partial<Params<'linear'>>): Node =>
  node('linear', { bias: true, transposed: false, init: 'default', gain: 1, ...p })
export const layerNorm = (dim: number, eps = 1e-5): Node => node('layerNorm', { dim, eps })
export const rmsNorm = (dim: number, eps: number): Node => node('rmsNorm', { dim, eps })
/** relu, gelu (erf), gelu_tanh, silu; glu: one half of the channels, gated by the sigmoid of the other. */
export const activation = (kind: 'relu' | 'gelu' | 'gelu_tanh' | 'silu' | 'glu'): Node => node('activation', { kind })
export const dropout = (rate: number): Node => node('dropout', { rate })
/** Adds sin and cos of the position: `pairs` interleaves them, `halves` puts all sines first. */
export const sinusoid = (dim: number, layout: 'pairs' | 'halves'): Node => node('sinusoid', { dim, layout })
/** Adds a learned vector for every position. */
export const positions = (rows: number, dim: number, std: number): Node => node('positions', { rows, dim, std })
/** A causal convolution of a few taps, each channel alone. */
export const conv = (channels: number, kernel: number): Node => node('conv', { channels, kernel })
export const lstm = (p: Params<'lstm'>): Node => node('lstm', p)
export const gru = (p: Params<'gru'>): Node => node('gru', p)
/** Its heads hold `inner` channels; as many as come in unless given. */
export const attention = ({ inner, ...p }: Params<'attention'> & { inner?: number }): Node =>
  inner === undefined || inner === p.dim ? node('attention', p) : node('narrowAttention', { ...p, inner })
/** Causal softmax attention of queries, keys and values that stand side by side; `turned` channels of each head are rotated. */
export const attend = (p: Params<'attend'>): Node => node('attend', p)
/** The mixer of Mamba-2: a gated state space of `inner` channels in heads of `headDim`. */
export const mamba2 = (p: Params<'mamba2'>): Node => node('mamba2', p)
/** RWKV's mixing over time, drawn for the given one of so many layers. */
export const timeMixing = (p: Params<'timeMixing'>): Node => node('timeMixing', p)
/** RWKV's mixing over channels, with the position before as second input. */
export const channelMixing = (p: Params<'channelMixing'>): Node => node('channelMixing', p)
/** The same to `slots` mixtures of up to `rows` positions; not causal. */
export const linformer = (p: Params<'linformer'>): Node => node('linformer', p)
/** Multi-scale retention with its projections; `value` channels are carried over time. */
export const retention = (p: Params<'retention'>): Node => node('retention', p)
/** A state space of every channel, diagonal plus low rank (S4), of which `copies` have matrices of their own. */
export const s4 = (p: Params<'s4'>): Node => node('s4', p)
/** A diagonal state space of every channel (S4D). */
export const s4d = (p: Params<'s4d'>): Node => node('s4d', p)
/** Long convolutions and gates in turn, of order + 1 parts that stand side by side; filters are made for `rows` positions. */
export const hyena = (p: Params<'hyena'>): Node => node('hyena', p)
/** A linear layer whose weight has the shape of a convolution of one tap. */
export const pointwise = (p: Params<'pointwise'>): Node => node('pointwise', p)
/** Attention estimated by `features` random features of each head; queries, keys and values stand side by side, rotated in pairs. */
export const favor = (p: Params<'favor'>): Node => node('favor', p)
/** Draws the random features of all layers behind it anew after so many passes of training. */
export const redraw = (every: number): Node => node('redraw', { every })
/** The vectors of a context side by side, as one long one. */
export const flatten = (context: number): Node => node('flatten', { context })
