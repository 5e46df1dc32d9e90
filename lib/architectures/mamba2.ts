import { integer } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { chain, linear, mamba2 as mixer, type Node, named, residual, rmsNorm } from '../spec/ops.js'

/** Options of a Mamba-2 layer, also used by the hybrid. */
export const mixerFields = {
  state: integer({ default: 128, min: 1, about: 'size of the state of each channel', group: 'Model' }),
  headDim: integer({ default: 64, min: 1, about: 'number of channels that share a decay', group: 'Model' }),
  expand: integer({
    default: 2,
    min: 1,
    about: 'channels of the state space, as a multiple of the width',
    group: 'Model',
  }),
  kernel: integer({ default: 4, min: 1, about: 'length of the short convolution', group: 'Model' }),
}
type Mixer = { width: number; layers: number; state: number; headDim: number; expand: number; kernel: number }

/** Error sentence for heads that do not fit. */
export const mixerRule = ({ width, expand, headDim }: Mixer): string | undefined =>
  (width * expand) % headDim === 0
    ? undefined
    : `expected expand × width to be a multiple of headDim but received ${expand} × ${width} and headDim ${headDim}`

/** The mixer of a Mamba-2 layer, without its norm. */
export const mamba2Mixer = ({ width, layers, state, headDim, expand, kernel }: Mixer): Node =>
  mixer({ dim: width, inner: expand * width, state, headDim, kernel, gain: 1 / Math.sqrt(layers) })

/** Input projection, pre-norm layers with the given mixers, and a final norm. */
export const mixerTrunk = (dim: number, width: number, mixers: readonly Node[]): Node => {
  const layers = mixers.map((mixer, i) =>
    named(`layers.${i}`, residual(0, named('norm', rmsNorm(width, 1e-5)), named('mixer', mixer))),
  )
  return chain(
    named('in_proj', linear({ in: dim, out: width })),
    named('core', chain(...layers, named('norm_f', rmsNorm(width, 1e-5)))),
  )
}

/**
 * Mamba-2: layers of gated state spaces whose decay depends on the input, without feed-forward layers.
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Dao & Gu 2024, arXiv:2405.21060; as state-spaces/mamba's Mamba2.
 */
export const mamba2 = architecture({
  name: 'mamba2',
  row: 10,
  folder: 'mamba2',
  title: 'Mamba-2',
  about: 'state space layers whose decay depends on the input',
  target: 130e6,
  complexity: 'O(n)',
  causal: true,
  sources: ['arXiv:2405.21060'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768),
    layers: field.layers(34, 'layers', 256),
    ...mixerFields,
  },
  presets: {
    target: {},
    prd: { width: 512, layers: 12, state: 64 },
    tiny: { width: 16, layers: 2, state: 8, headDim: 8 },
    checkpoint: { layers: 24 },
  },
  rule: mixerRule,
  width: ({ width }) => width,
  trunk: ({ dim, ...o }) =>
    mixerTrunk(
      dim,
      o.width,
      Array.from({ length: o.layers }, () => mamba2Mixer(o)),
    ),
})
