import {
  absolutePositions,
  activation,
  chain,
  embedding,
  layerNorm,
  linear,
  named,
  relativeBias,
  residual,
  textAttention,
} from '../../spec/ops.js'
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
    const [dim, heads, hidden] = ['hidden_size', 'num_attention_heads', 'intermediate_size'].map((key) => config.size(key)) as [
      number,
      number,
      number,
    ]
    if (dim % heads !== 0) throw config.refuse('num_attention_heads', `a divisor of ${dim}`)
    const [rows, eps] = [config.size('max_position_embeddings'), config.real('layer_norm_eps', 1e-12)]
    const [first, buckets] = [config.count('pad_token_id', 1) + 1, config.size('relative_attention_num_buckets', 32)]
    const project = (name: string) => named(name, linear({ in: dim, out: dim }))
    const layer = (i: number) =>
      named(
        `encoder.layer.${i}`,
        chain(
          residual(
            0,
            named(
              'attention.attn',
              textAttention({ heads, scaled: true }, project('q'), project('k'), project('v'), project('o')),
            ),
          ),
          named('attention.LayerNorm', layerNorm(dim, eps)),
          residual(
            0,
            named('intermediate.dense', linear({ in: dim, out: hidden })),
            activation(config.activation('hidden_act', 'gelu')),
            named('output.dense', linear({ in: hidden, out: dim })),
          ),
          named('output.LayerNorm', layerNorm(dim, eps)),
        ),
      )
    return {
      dim,
      longest: rows - first,
      nodes: [
        named(
          'embeddings',
          chain(
            named('word_embeddings', embedding(config.size('vocab_size'), dim)),
            named('position_embeddings', absolutePositions({ rows, dim, first })),
            named('LayerNorm', layerNorm(dim, eps)),
          ),
        ),
        relativeBias(
          { buckets, distance: 128, causal: false },
          named('encoder.relative_attention_bias', embedding(buckets, heads)),
          ...Array.from({ length: config.size('num_hidden_layers') }, (_, i) => layer(i)),
        ),
      ],
    }
  },
}
