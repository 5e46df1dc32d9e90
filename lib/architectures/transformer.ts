import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import {
  activation,
  attention,
  chain,
  dropout as drop,
  layerNorm,
  linear,
  memory,
  type Node,
  named,
  residual,
  sinusoid,
} from '../spec/ops.js'

/**
 * Transformer decoder, post-norm, whose cross-attention reads the input with positions.
 *
 * Every layer has its own random initial weights; in the PRD's Python code all layers started as copies of one.
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Vaswani et al. 2017, arXiv:1706.03762; as torch.nn.TransformerDecoder.
 */
export const transformer = architecture({
  name: 'transformer',
  row: 3,
  folder: 'transformer',
  title: 'Transformer',
  about: 'four decoder layers with self- and cross-attention',
  target: 17.6e6,
  complexity: 'O(n²)',
  causal: true,
  sources: ['arXiv:1706.03762'],
  inputScale: 'none',
  fields: {
    width: field.width(512, 2),
    layers: field.layers(4, 'decoder layers'),
    heads: field.heads(8),
    headDim: field.headDim(),
    ffn: field.ffn,
    dropout: field.dropout(0.1, 'of attention, sub-layers and feed-forward'),
  },
  presets: { target: {}, prd: {}, tiny: { width: 16, layers: 2, heads: 2, ffn: 32 }, checkpoint: { head: 'mlp' } },
  rule: ({ width, heads, headDim }) => {
    if (headDim === undefined && width % heads !== 0)
      return `expected a width that is a multiple of heads but received width ${width} and heads ${heads}`
    if (width % 2 !== 0) return `expected an even width, for sine and cosine positions, but received ${width}`
    return undefined
  },
  width: ({ width }) => width,
  trunk: ({ dim, width, layers, heads, headDim, ffn = 4 * width, dropout }) => {
    const inner = headDim === undefined ? width : heads * headDim
    const attend = (name: string, cross: boolean): Node =>
      residual(dropout, named(name, attention({ dim: width, inner, heads, cross, causal: true, dropout })))
    const layer = chain(
      attend('self_attn', false),
      named('norm1', layerNorm(width)),
      attend('multihead_attn', true),
      named('norm2', layerNorm(width)),
      residual(
        dropout,
        named('linear1', linear({ in: width, out: ffn })),
        activation('relu'),
        drop(dropout),
        named('linear2', linear({ in: ffn, out: width })),
      ),
      named('norm3', layerNorm(width)),
    )
    const stack = Array.from({ length: layers }, (_, i) => named(`transformer_decoder.layers.${i}`, layer))
    return chain(
      named('in_proj', linear({ in: dim, out: width })),
      named('core', chain(sinusoid(width, 'pairs'), memory(...stack))),
    )
  },
})
