import { choice } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { chain, layerNorm, linear, named, gru as recurrent, residual } from '../spec/ops.js'

/**
 * Stacked GRU: residual blocks of layer norm and a gated recurrent layer (row 2 of the PRD, which its first code called Mamba2).
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Cho et al. 2014, arXiv:1406.1078.
 */
export const gru = architecture({
  name: 'gru',
  row: 2,
  folder: 'gru_stacked',
  title: 'GRU Stacked',
  about: 'four gated recurrent blocks with residual connections',
  target: 7.1e6,
  complexity: 'O(n)',
  causal: true,
  sources: ['arXiv:1406.1078'],
  inputScale: 'none',
  fields: {
    width: field.width(512),
    layers: field.layers(4, 'blocks', 64),
    norm: choice(['pre', 'post'], { default: 'pre', about: 'x + GRU(norm(x)), or norm(x + GRU(x))', group: 'Model' }),
  },
  presets: { target: {}, prd: {}, tiny: { width: 16, layers: 2 }, checkpoint: { head: 'mlp' } },
  width: ({ width }) => width,
  trunk: ({ dim, width, layers, norm }) => {
    const cell = recurrent({ in: width, width })
    const block =
      norm === 'pre'
        ? residual(0, named('norm', layerNorm(width)), named('mamba', cell))
        : chain(residual(0, named('gru', cell)), named('norm', layerNorm(width)))
    const blocks = Array.from({ length: layers }, (_, i) => named(`blocks.${i}`, block))
    return chain(named('in_proj', linear({ in: dim, out: width })), named('core', chain(...blocks)))
  },
})
