import { integer } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { activation, attend, chain, concat, linear, type Node, named, product, residual, rmsNorm } from '../spec/ops.js'

/**
 * Meta's Large Concept Model in its regression form (base LCM): a pre-norm decoder with rotary attention and a gated FFN.
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: LCM team 2024, arXiv:2412.08821 §2.3.1; as base_lcm of facebookresearch/large_concept_model.
 */
export const lcm = architecture({
  name: 'lcm',
  row: 13,
  folder: 'meta_lcm',
  title: 'Meta LCM',
  about: 'a large decoder over sentence vectors with rotary attention and a gated feed-forward layer',
  target: 1.6e9,
  complexity: 'O(n²)',
  causal: true,
  sources: ['arXiv:2412.08821', 'facebookresearch/large_concept_model'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10, weights: 'bf16' }, // bf16: 13 GB instead of 26
  fields: {
    width: field.width(2048, 2),
    layers: field.layers(31, 'decoder layers'),
    heads: field.heads(16),
    headDim: field.headDim(2),
    ffn: integer({
      default: undefined,
      min: 1,
      about: 'hidden dimension of the feed-forward layer; ⅔ of 4 × width unless given, rounded up to a multiple of 256',
      group: 'Model',
    }),
    dropout: field.dropout(0.1, 'of sub-layers'),
  },
  presets: {
    target: {},
    prd: { layers: 32 },
    tiny: { width: 16, layers: 2, heads: 2, ffn: 32 },
    checkpoint: { layers: 32 },
  },
  rule: ({ width, heads, headDim = width / heads }) =>
    headDim % 2 === 0
      ? undefined
      : `expected heads of an even number of channels but received ${headDim}: width ${width} and heads ${heads}`,
  width: ({ width }) => width,
  trunk: ({
    dim,
    width,
    layers,
    heads,
    headDim = width / heads,
    ffn = 256 * Math.ceil(Math.floor((8 * width) / 3) / 256),
    dropout,
  }) => {
    const narrow = Math.SQRT1_2
    const inner = heads * headDim
    const into = (name: string): Node => named(name, linear({ in: width, out: inner, init: 'xavier', gain: narrow }))
    const attention = chain(
      concat(into('q_proj'), into('k_proj'), into('v_proj')),
      attend({ heads, rotary: 'pairs', turned: headDim, dropout: 0 }),
      named('output_proj', linear({ in: inner, out: width, init: 'xavier' })),
    )
    const widen = (name: string): Node => named(name, linear({ in: width, out: ffn }))
    const feedForward = chain(
      product(chain(widen('gate_proj'), activation('silu')), widen('inner_proj')),
      named('output_proj', linear({ in: ffn, out: width })),
    )
    const norm = (name: string): Node => named(name, rmsNorm(width, 1e-5))
    const layer = chain(
      residual(dropout, norm('self_attn_layer_norm'), named('self_attn', attention)),
      residual(dropout, norm('ffn_layer_norm'), named('ffn', feedForward)),
    )
    const stack = Array.from({ length: layers }, (_, i) => named(`dec.layers.${i}`, layer))
    return chain(named('in_proj', linear({ in: dim, out: width })), named('core', chain(...stack, norm('dec.layer_norm'))))
  },
})
