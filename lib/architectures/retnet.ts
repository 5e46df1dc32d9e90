import { choice, integer } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { activation, chain, linear, named, product, residual, retention, rmsNorm } from '../spec/ops.js'

const EPS = 1e-6

/**
 * RetNet: pre-norm blocks of multi-scale retention and a gated feed-forward layer, without biases.
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Sun et al. 2023, arXiv:2307.08621; names of microsoft/torchscale.
 */
export const retnet = architecture({
  name: 'retnet',
  row: 9,
  folder: 'retnet',
  title: 'RetNet',
  about: 'retention: attention that decays with distance, or a recurrence with one state per layer',
  target: 125e6,
  complexity: 'O(n)',
  causal: true,
  sources: ['arXiv:2307.08621', 'github.com/microsoft/torchscale@4d1e0e8'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768, 2),
    layers: field.layers(17, 'blocks'),
    heads: integer({ default: 3, min: 1, about: 'number of retention heads, each with its own decay', group: 'Model' }),
    value: integer({ default: 1296, min: 1, about: 'channels of the values in retention', group: 'Model' }),
    ffn: integer({ default: 1296, min: 1, about: 'hidden dimension of the feed-forward layer', group: 'Model' }),
    activation: choice(['swish', 'gelu'], {
      default: 'swish',
      about: 'activation of the gate in the feed-forward layer',
      group: 'Model',
    }),
    dropout: field.dropout(0, 'after retention and feed-forward'),
  },
  presets: {
    target: {},
    prd: { width: 512, layers: 12, heads: 2, value: 864, ffn: 864 },
    tiny: { width: 16, layers: 2, heads: 2, value: 24, ffn: 24 },
    checkpoint: { layers: 12 },
  },
  rule: ({ width, heads, value }) => {
    if (width % (2 * heads) !== 0)
      return `expected a width that heads divide into pairs of channels but received width ${width} and heads ${heads}`
    if (value % heads !== 0) return `expected a value that is a multiple of heads but received value ${value} and heads ${heads}`
    return undefined
  },
  width: ({ width }) => width,
  trunk: ({ dim, width, layers, heads, value, ffn, activation: kind, dropout }) => {
    const plain = (i: number, out: number) => linear({ in: i, out, bias: false })
    const gate = chain(named('fc1', plain(width, ffn)), activation(kind === 'swish' ? 'silu' : 'gelu'))
    const block = chain(
      residual(
        dropout,
        named('retention_layer_norm', rmsNorm(width, EPS)),
        named('retention', retention({ dim: width, value, heads, eps: EPS })),
      ),
      residual(
        dropout,
        named('final_layer_norm', rmsNorm(width, EPS)),
        named('ffn', chain(product(gate, named('gate', plain(width, ffn))), named('fc2', plain(ffn, width)))),
      ),
    )
    const blocks = Array.from({ length: layers }, (_, i) => named(`layers.${i}`, block))
    return chain(
      named('in_proj', linear({ in: dim, out: width })),
      named('core', chain(named('retnet', chain(...blocks, named('layer_norm', rmsNorm(width, EPS)))))),
    )
  },
})
