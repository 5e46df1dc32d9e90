import { integer } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import {
  activation,
  chain,
  concat,
  dropout as drop,
  layerNorm,
  linear,
  linformer as lowRank,
  type Node,
  named,
  positions,
  residual,
} from '../spec/ops.js'

/** Number of learned positions. */
const rowsOf = ({ context, positions = Math.max(64, context) }: { context: number; positions: number | undefined }) => positions

/**
 * Linformer: attention to a fixed number of slots, each a learned mixture of all positions.
 *
 * Every position sees the whole context, so only the last one is trained and used.
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Wang et al. 2020, arXiv:2006.04768; as lucidrains/linformer.
 */
export const linformer = architecture({
  name: 'linformer',
  row: 6,
  folder: 'linformer',
  title: 'Linformer',
  about: 'attention to learned slots, with a cost linear in the length of the context',
  target: 100e6,
  complexity: 'O(n)',
  causal: false,
  sources: ['arXiv:2006.04768', 'lucidrains/linformer'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768),
    layers: field.layers(14, 'layers'),
    heads: field.heads(12),
    headDim: field.headDim(),
    ffn: field.ffn,
    positions: field.derived('number of learned positions, the longest context; 64, or the context of the data if longer'),
    slots: integer({
      default: undefined,
      min: 1,
      about: 'number of attention slots; half the number of positions unless given, and at most 256',
      group: 'Model',
    }),
    dropout: field.dropout(0, 'of attention and feed-forward'),
  },
  presets: {
    target: {},
    prd: { width: 512, layers: 8, heads: 8, positions: 512 },
    tiny: { width: 16, layers: 2, heads: 2 },
    checkpoint: { layers: 12, positions: 512 },
  },
  rule: ({ context, width, heads, headDim, positions = context }) => {
    if (headDim === undefined && width % heads !== 0)
      return `expected a width that is a multiple of heads but received width ${width} and heads ${heads}`
    if (positions < context)
      return `expected at least ${context} positions, one for each of the context, but received ${positions}`
    return undefined
  },
  width: ({ width }) => width,
  trunk: (o) => {
    const { dim, width, layers, heads, headDim = width / heads, ffn = 4 * width, dropout } = o
    const rows = rowsOf(o)
    const { slots = Math.min(256, Math.max(1, Math.floor(rows / 2))) } = o
    const inner = heads * headDim
    const into = (name: string): Node => named(name, linear({ in: width, out: inner, bias: false }))
    const attention = chain(
      concat(into('to_q'), into('to_k'), into('to_v')),
      lowRank({ heads, rows, slots, dropout }),
      named('to_out', linear({ in: inner, out: width })),
    )
    const feedForward = chain(
      named('w1', linear({ in: width, out: ffn })),
      activation('gelu'),
      drop(dropout),
      named('w2', linear({ in: ffn, out: width })),
    )
    const block = (part: number, of: Node): Node =>
      named(String(part), residual(0, named('norm', layerNorm(width)), named('fn', of)))
    const layer = chain(block(0, attention), block(1, feedForward))
    return chain(
      named('in_proj', linear({ in: dim, out: width })),
      named(
        'core',
        chain(
          named('pos_emb', positions(rows, width, 1)),
          ...Array.from({ length: layers }, (_, i) => named(`linformer.net.layers.${i}`, layer)),
        ),
      ),
    )
  },
})
