import { embedding, linear, named, relativeBias, textAttention } from '../../spec/ops.js'
import { bertEmbeddings, bertLayers, bertSizes } from './bert-blocks.js'
import type { EncoderFamily } from './encoder-family.js'

/**
 * MPNet: BERT's blocks with one relative position bias for all layers, and positions that begin after the padding token.
 *
 * Source: Song et al. 2020, arXiv:2004.09297.
 */
export const mpnetEncoder: EncoderFamily = {
  types: ['mpnet'],
  anchor: 'embeddings.word_embeddings.weight',
  aliases: [],
  unused: [/^pooler\./, /\bposition_ids$/, /^(lm_head|classifier|qa_outputs)\./],
  build(config) {
    const sizes = bertSizes(config)
    const { dim, heads, rows } = sizes
    const [first, buckets] = [config.count('pad_token_id', 1) + 1, config.size('relative_attention_num_buckets', 32)]
    const project = (name: string) => named(name, linear({ in: dim, out: dim }))
    const attention = named(
      'attention.attn',
      textAttention({ heads, scaled: true }, project('q'), project('k'), project('v'), project('o')),
    )
    return {
      dim,
      longest: rows - first,
      nodes: [
        bertEmbeddings(config, sizes, first),
        relativeBias(
          { buckets, distance: 128, causal: false },
          named('encoder.relative_attention_bias', embedding(buckets, heads)),
          ...bertLayers(config, sizes, attention, 'attention.LayerNorm'),
        ),
      ],
    }
  },
}
