import { flag } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import {
  activation,
  attend,
  chain,
  dropout as drop,
  layerNorm,
  linear,
  type Node,
  named,
  positions,
  residual,
} from '../spec/ops.js'

/**
 * DistilGPT-2: GPT-2's pre-norm decoder with learned positions, without token embeddings.
 *
 * Weights are stored as [in, out], as in GPT-2's Conv1D.
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Radford et al. 2019; Sanh et al. 2019, arXiv:1910.01108; as GPT2Model of Hugging Face transformers.
 */
export const distilgpt2 = architecture({
  name: 'distilgpt2',
  row: 4,
  folder: 'distilgpt2',
  title: 'DistilGPT-2',
  about: "GPT-2's decoder with learned positions; can load the published DistilGPT-2 weights",
  target: 82e6,
  complexity: 'O(n²)',
  causal: true,
  sources: ['arXiv:1910.01108', 'huggingface/transformers models/gpt2'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: field.width(768),
    layers: field.layers(11, 'decoder layers'),
    heads: field.heads(12),
    headDim: field.headDim(),
    ffn: field.ffn,
    positions: field.derived('number of learned positions, the longest context; 1,024, or the context of the data if longer'),
    dropout: field.dropout(0.1, 'of input, attention and sub-layers'),
    inProj: flag({
      default: true,
      about: 'project the vectors to the width; without it, the width is the dimension of the vectors',
      group: 'Model',
    }),
  },
  presets: {
    target: { head: 'mlp' },
    prd: { layers: 6, inProj: false },
    tiny: { width: 16, layers: 2, heads: 2 },
    checkpoint: { layers: 6 },
  },
  rule: ({ dim, context, width, heads, headDim, positions = context, inProj }) => {
    if (headDim === undefined && width % heads !== 0)
      return `expected a width that is a multiple of heads but received width ${width} and heads ${heads}`
    if (!inProj && width !== dim) return `expected a width of ${dim}, as the vectors have, without inProj but received ${width}`
    if (positions < context)
      return `expected at least ${context} positions, one for each of the context, but received ${positions}`
    return undefined
  },
  width: ({ width }) => width,
  trunk: ({
    dim,
    context,
    width,
    layers,
    heads,
    headDim = width / heads,
    ffn = 4 * width,
    positions: rows = Math.max(1024, context),
    dropout,
    inProj,
  }) => {
    const project = (name: string, from: number, to: number, std = 0.02): Node =>
      named(name, linear({ in: from, out: to, transposed: true, init: 'normal', gain: std }))
    const last = 0.02 / Math.sqrt(2 * layers)
    const layer = chain(
      residual(
        dropout,
        named('ln_1', layerNorm(width)),
        project('attn.c_attn', width, 3 * heads * headDim),
        attend({ heads, rotary: 'none', turned: headDim, dropout }),
        project('attn.c_proj', heads * headDim, width, last),
      ),
      residual(
        dropout,
        named('ln_2', layerNorm(width)),
        project('mlp.c_fc', width, ffn),
        activation('gelu_tanh'),
        project('mlp.c_proj', ffn, width, last),
      ),
    )
    const core = chain(
      named('gpt.wpe', positions(rows, width, 0.02)),
      drop(dropout),
      ...Array.from({ length: layers }, (_, i) => named(`gpt.h.${i}`, layer)),
      named('gpt.ln_f', layerNorm(width)),
    )
    return chain(...(inProj ? [named('in_proj', linear({ in: dim, out: width }))] : []), named('core', core))
  },
})
