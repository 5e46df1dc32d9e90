import { integer, text } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { attend, chain, conv, linear, named } from '../spec/ops.js'
import { mamba2Mixer, mixerFields, mixerRule, mixerTrunk } from './mamba2.js'

/**
 * Hybrid of Mamba-2 layers and a few attention layers, without feed-forward layers.
 *
 * A short convolution precedes attention; rotary positions turn half of the channels of each head.
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Waleffe et al. 2024, arXiv:2406.07887; Lieber et al. 2024, arXiv:2403.19887; as state-spaces/mamba's mixer models.
 */
export const hybrid = architecture({
  name: 'hybrid',
  row: 11,
  folder: 'hybrid_mamba_attn',
  title: 'Hybrid Mamba-Attn',
  about: 'Mamba-2 layers with attention in every sixth layer',
  target: 150e6,
  complexity: 'O(n²)',
  causal: true,
  sources: ['arXiv:2406.07887', 'arXiv:2403.19887'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768),
    layers: field.layers(42, 'layers', 256),
    attnEvery: integer({
      default: undefined,
      min: 1,
      about: 'use attention in every n-th layer; 6, unless attnLayers lists the layers',
      group: 'Model',
    }),
    attnLayers: text({
      default: undefined,
      about: 'list of the layers with attention, counted from 0, such as 9,18,27',
      group: 'Model',
      expected: 'numbers with commas between',
      matches: /^\d+(,\d+)*$/,
    }),
    heads: field.heads(12),
    attnHeadDim: integer({ default: 64, min: 2, about: 'dimension of an attention head', group: 'Model' }),
    rotary: field.derived('channels of an attention head that rotary positions turn; attnHeadDim / 2', 2),
    ...mixerFields,
  },
  presets: {
    target: {},
    prd: { width: 512, layers: 24, heads: 8 },
    tiny: { width: 16, layers: 2, attnEvery: 2, heads: 2, attnHeadDim: 8, state: 8, headDim: 8 },
    checkpoint: { width: 2560, layers: 64, attnLayers: '9,18,27,37,46,56', heads: 30, attnHeadDim: 128 },
  },
  rule: (o) => {
    const { layers, attnEvery, attnLayers, attnHeadDim, rotary = attnHeadDim / 2 } = o
    if (attnEvery !== undefined && attnLayers !== undefined)
      return `expected attnEvery or attnLayers but received both, ${attnEvery} and ${attnLayers}`
    if (Math.max(...attentionLayers(o)) >= layers) return `expected attnLayers below ${layers} but received ${attnLayers}`
    if (rotary % 2 !== 0 || rotary > attnHeadDim)
      return `expected an even rotary of at most attnHeadDim ${attnHeadDim} but received ${rotary}`
    return mixerRule(o)
  },
  width: ({ width }) => width,
  trunk: ({ dim, ...o }) => {
    const { width, layers, heads, attnHeadDim, rotary = attnHeadDim / 2, kernel } = o
    const inner = heads * attnHeadDim
    const attention = chain(
      named('in_proj', linear({ in: width, out: 3 * inner, bias: false })),
      named('conv1d', conv(3 * inner, kernel)),
      attend({ heads, rotary: 'halves', turned: rotary, dropout: 0 }),
      named('out_proj', linear({ in: inner, out: width, bias: false, gain: 1 / Math.sqrt(layers) })),
    )
    const withAttention = new Set(attentionLayers(o))
    const mixers = Array.from({ length: layers }, (_, i) => (withAttention.has(i) ? attention : mamba2Mixer(o)))
    return mixerTrunk(dim, width, mixers)
  },
})

function attentionLayers(o: { layers: number; attnEvery: number | undefined; attnLayers: string | undefined }): number[] {
  if (o.attnLayers !== undefined) return o.attnLayers.split(',').map(Number)
  const every = o.attnEvery ?? 6
  return Array.from({ length: Math.floor(o.layers / every) }, (_, i) => (i + 1) * every - 1)
}
