import { flag, integer, real } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { activation, chain, conv, layerNorm, linear, hyena as long, named, residual } from '../spec/ops.js'

const SHORT = 3
const STD = 0.02

/** Length of the filters. Their time runs from 0 to 1 over it; a power of two gives contexts of similar length the same scale. */
const rowsOf = ({ context, positions }: { context: number; positions: number | undefined }): number =>
  positions ?? Math.max(64, 2 ** Math.ceil(Math.log2(context)))

/**
 * Hyena: pre-norm blocks of gated long convolutions, whose filters come from a small network, and a feed-forward layer.
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Poli et al. 2023, arXiv:2302.10866; names of HazyResearch/safari.
 */
export const hyena = architecture({
  name: 'hyena',
  row: 8,
  folder: 'hyena',
  title: 'Hyena',
  about: 'gated convolutions as long as the context, with filters from a small network',
  target: 125e6,
  complexity: 'O(n log n)',
  causal: true,
  sources: ['arXiv:2302.10866', 'github.com/HazyResearch/safari@02220c6'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768),
    layers: field.layers(17, 'blocks'),
    order: integer({
      default: 2,
      min: 2,
      max: 8,
      about: 'number of gates in a block, with a long convolution before all but the first',
      group: 'Model',
    }),
    ffn: field.ffn,
    positions: field.derived(
      'number of positions of the filters, the longest context; 64, or the next power of two for a longer context of the data',
    ),
    filterWidth: integer({ default: 64, min: 1, about: 'hidden dimension of the filter network', group: 'Model' }),
    bands: integer({
      default: 16,
      min: 1,
      about: 'number of frequencies that encode the position for the filter network',
      group: 'Model',
    }),
    frequency: real({
      default: 14,
      min: 0,
      about: 'initial frequency of the sine activations of the filter network',
      group: 'Model',
    }),
    modulate: flag({
      default: true,
      about: 'multiply the filters by a decay over distance, with its own rate per channel',
      group: 'Model',
    }),
    dropout: field.dropout(0, 'after each half of a block'),
  },
  presets: {
    target: {},
    prd: { width: 512, layers: 12, positions: 1024 },
    tiny: { width: 16, layers: 2, filterWidth: 8, bands: 4 },
    checkpoint: { width: 864, layers: 18, ffn: 1728, positions: 2048, modulate: false },
  },
  rule: ({ context, positions = context }) =>
    positions < context
      ? `expected at least ${context} positions, one for each of the context, but received ${positions}`
      : undefined,
  width: ({ width }) => width,
  trunk: (o) => {
    const { dim, width, layers, order, ffn = 4 * width, filterWidth, bands, frequency, modulate, dropout } = o
    const wide = (order + 1) * width
    const project = (into: number, out: number, gain = STD) => linear({ in: into, out, init: 'normal', gain })
    const last = STD / Math.sqrt(2 * layers)
    const filter = { dim: width, order, rows: rowsOf(o), width: filterWidth, bands, frequency, modulate }
    const block = chain(
      residual(
        dropout,
        named('norm1', layerNorm(width)),
        named('mixer.in_proj', project(width, wide)),
        named('mixer.short_filter', conv(wide, SHORT)),
        named('mixer.filter_fn', long(filter)),
        named('mixer.out_proj', project(width, width, last)),
      ),
      residual(
        dropout,
        named('norm2', layerNorm(width)),
        named('mlp.fc1', project(width, ffn)),
        activation('gelu_tanh'),
        named('mlp.fc2', project(ffn, width, last)),
      ),
    )
    const blocks = Array.from({ length: layers }, (_, i) => named(`layers.${i}`, block))
    return chain(
      named('in_proj', linear({ in: dim, out: width })),
      named('core', chain(...blocks, named('ln_f', layerNorm(width)))),
    )
  },
})
