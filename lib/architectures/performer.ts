import { flag, integer } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import {
  activation,
  chain,
  concat,
  dropout as drop,
  favor,
  layerNorm,
  linear,
  type Node,
  named,
  redraw as redrawing,
  residual,
  sinusoid,
} from '../spec/ops.js'

/**
 * Performer: attention estimated by random features, with a cost linear in the length of the context (FAVOR+).
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Choromanski et al. 2020, arXiv:2009.14794; as PerformerLM of lucidrains/performer-pytorch.
 */
export const performer = architecture({
  name: 'performer',
  row: 5,
  folder: 'performer',
  title: 'Performer',
  about: 'attention estimated by random features, with a cost linear in the length of the context',
  target: 100e6,
  complexity: 'O(n)',
  causal: true,
  leak: 1e-2,
  sources: ['arXiv:2009.14794', 'lucidrains/performer-pytorch'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768, 2),
    layers: field.layers(16, 'layers'),
    heads: field.heads(8),
    headDim: integer({ default: 64, min: 2, about: 'dimension of an attention head', group: 'Model' }),
    ffn: field.ffn,
    features: field.derived('number of random features of a head; headDim × ln headDim'),
    redraw: integer({
      default: 1000,
      min: 0,
      about: 'redraw the random features after this many training batches; 0 turns it off',
      group: 'Model',
    }),
    qkvBias: flag({ default: false, about: 'give queries, keys and values a bias', group: 'Model' }),
    attnOutBias: flag({ default: false, about: 'give the output of attention a bias', group: 'Model' }),
    causal: flag({ default: true, about: 'hide later positions from earlier ones', group: 'Model' }),
    dropout: field.dropout(0, 'of attention and feed-forward'),
  },
  presets: {
    target: {},
    prd: { layers: 6 },
    tiny: { width: 16, layers: 2, heads: 2, headDim: 8 },
    checkpoint: { layers: 12, heads: 12 },
  },
  rule: ({ width, headDim }) => {
    if (width % 2 !== 0) return `expected an even width, for sine and cosine positions, but received ${width}`
    if (headDim % 2 !== 0) return `expected an even headDim, for rotary positions, but received ${headDim}`
    return undefined
  },
  width: ({ width }) => width,
  trunk: (o) => {
    const { dim, width, layers, heads, headDim, redraw, qkvBias, attnOutBias, causal, dropout } = o
    const { ffn = 4 * width, features = Math.floor(headDim * Math.log(headDim)) } = o
    const inner = heads * headDim
    const widen = (name: string): Node => named(name, linear({ in: width, out: inner, bias: qkvBias }))
    const attention = chain(
      concat(widen('to_q'), widen('to_k'), widen('to_v')),
      named('fast_attention', favor({ heads, channels: headDim, features, causal })),
      named('to_out', linear({ in: inner, out: width, bias: attnOutBias })),
      drop(dropout),
    )
    const feedForward = chain(
      named('w1', linear({ in: width, out: ffn })),
      activation('gelu'),
      drop(dropout),
      named('w2', linear({ in: ffn, out: width })),
    )
    const layer = chain(
      named('0', residual(0, named('norm', layerNorm(width)), named('fn', attention))),
      named('1', residual(0, named('norm', layerNorm(width)), named('fn.fn', feedForward))),
    )
    const core = chain(
      sinusoid(width, 'halves'),
      ...(redraw > 0 ? [named('performer.proj_updater', redrawing(redraw))] : []),
      ...Array.from({ length: layers }, (_, i) => named(`performer.net.layers.${i}`, layer)),
      named('norm', layerNorm(width)),
    )
    return chain(named('in_proj', linear({ in: dim, out: width })), named('core', core))
  },
})
