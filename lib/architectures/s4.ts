import { choice, integer, text } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import {
  activation,
  chain,
  s4d as diagonal,
  dropout as drop,
  layerNorm,
  linear,
  s4 as lowRank,
  type Node,
  named,
  pointwise,
  residual,
} from '../spec/ops.js'

/**
 * S4: residual blocks of state spaces and feed-forward layers in a repeating pattern.
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Gu et al. 2022, arXiv:2111.00396 and arXiv:2206.11893 (`kernel: diag`); names of state-spaces/s4.
 */
export const s4 = architecture({
  name: 's4',
  row: 7,
  folder: 's4',
  title: 'S4',
  about: 'structured state spaces: a long convolution over whole contexts, or a recurrence',
  target: 100e6,
  complexity: 'O(n log n)',
  causal: true,
  sources: ['arXiv:2111.00396', 'arXiv:2206.11893', 'github.com/state-spaces/s4@e757cef'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768),
    layers: field.layers(14, 'repetitions of the pattern'),
    pattern: text({
      default: 'ssf',
      matches: /^[sf]*s[sf]*$/,
      expected: 'letters s and f, with at least one s',
      about: 'repeating sequence of layers: s is a state space, f a feed-forward layer',
      group: 'Model',
    }),
    kernel: choice(['dplr', 'diag'], {
      default: 'dplr',
      about: 'state matrix: diagonal plus low rank (S4), or diagonal (S4D)',
      group: 'Model',
    }),
    state: integer({
      default: 64,
      min: 2,
      about: 'number of states of each channel; one of each conjugate pair is stored',
      group: 'Model',
    }),
    copies: integer({
      default: 1,
      min: 1,
      about: 'number of state matrices, each shared by width / copies channels; only with kernel dplr',
      group: 'Model',
    }),
    ffn: field.ffn,
    dropout: field.dropout(0.1, 'around activations and after each block'),
  },
  presets: {
    target: {},
    prd: { width: 512, layers: 6, pattern: 's', copies: 512 },
    tiny: { width: 16, layers: 1, state: 8 },
    checkpoint: { width: 1024, layers: 16 },
  },
  rule: ({ width, copies, state }) => {
    if (width % copies !== 0)
      return `expected a width that is a multiple of copies but received width ${width} and copies ${copies}`
    if (state % 2 !== 0) return `expected an even number of states but received ${state}`
    return undefined
  },
  width: ({ width }) => width,
  trunk: ({ dim, width, layers, pattern, kernel, state, copies, ffn = 4 * width, dropout }) => {
    const gate = { in: width, out: 2 * width }
    const space = (name: string, inner: Node, mix: Node): Node =>
      chain(
        named(name, inner),
        drop(dropout),
        activation('gelu'),
        drop(dropout),
        named(`${kernel === 'dplr' ? '' : 's4d.'}output_linear.0`, mix),
        activation('glu'),
      )
    const s =
      kernel === 'dplr'
        ? space('layer', lowRank({ dim: width, state, copies }), linear(gate))
        : space('s4d', diagonal({ dim: width, state }), pointwise(gate))
    const f = chain(
      named('ff.0.0', linear({ in: width, out: ffn })),
      activation('gelu'),
      drop(dropout),
      named('ff.2', linear({ in: ffn, out: width })),
    )
    const blocks = [...pattern.repeat(layers)].map((kind, i) =>
      named(`layers.${i}`, residual(dropout, named('norm', layerNorm(width)), named('layer', kind === 's' ? s : f))),
    )
    return chain(
      named('in_proj', linear({ in: dim, out: width })),
      named('core', chain(...blocks, named('norm', layerNorm(width)))),
    )
  },
})
