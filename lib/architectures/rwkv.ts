import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { chain, channelMixing, layerNorm, linear, named, residual, timeMixing } from '../spec/ops.js'

/**
 * RWKV-4: a recurrence with attention-like weights, and a feed-forward layer that also reads the previous position.
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Peng et al. 2023, arXiv:2305.13048; as BlinkDL/RWKV-LM's version 4.
 */
export const rwkv = architecture({
  name: 'rwkv',
  row: 12,
  folder: 'rwkv',
  title: 'RWKV',
  about: 'recurrence of weighted keys and values with a decay per channel',
  target: 169e6,
  complexity: 'O(n)',
  causal: true,
  sources: ['arXiv:2305.13048'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768),
    layers: field.layers(22, 'blocks', 256),
    ffn: field.ffn,
  },
  presets: { target: {}, prd: { width: 512, layers: 12 }, tiny: { width: 16, layers: 2 }, checkpoint: { layers: 12 } },
  width: ({ width }) => width,
  trunk: ({ dim, width, layers, ffn = 4 * width }) => {
    const blocks = Array.from({ length: layers }, (_, i) => {
      const layer = i + 1
      const parts = [
        residual(0, named('ln1', layerNorm(width)), named('att', timeMixing({ dim: width, layer, layers }))),
        residual(0, named('ln2', layerNorm(width)), named('ffn', channelMixing({ dim: width, hidden: ffn, layer, layers }))),
      ]
      return named(`blocks.${i}`, chain(...(i === 0 ? [named('ln0', layerNorm(width))] : []), ...parts))
    })
    return chain(
      named('in_proj', linear({ in: dim, out: width })),
      named('core', chain(...blocks, named('ln_out', layerNorm(width)))),
    )
  },
})
