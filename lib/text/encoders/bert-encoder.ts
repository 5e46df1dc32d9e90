import {
  absolutePositions,
  activation,
  chain,
  embedding,
  layerNorm,
  linear,
  named,
  residual,
  textAttention,
  tokenType,
} from '../../spec/ops.js'
import type { EncoderFamily } from './encoder-family.js'

/**
 * BERT and RoBERTa: MiniLM, BGE, E5 and GTE are BERT with other weights. RoBERTa's positions begin after its padding token.
 *
 * Source: Devlin et al. 2018, arXiv:1810.04805; Liu et al. 2019, arXiv:1907.11692.
 */
export const bertEncoder: EncoderFamily = {
  types: ['bert', 'roberta', 'xlm-roberta'],
  anchor: 'embeddings.word_embeddings.weight',
  aliases: [],
  unused: [/^pooler\./, /\bposition_ids$/, /\btoken_type_ids$/, /^(cls|lm_head|classifier|qa_outputs)\./],
  build(config) {
    config.only('position_embedding_type', 'absolute')
    config.only('is_decoder', false)
    config.only('embedding_size', config.values.hidden_size)
    const [dim, heads, hidden] = ['hidden_size', 'num_attention_heads', 'intermediate_size'].map((key) => config.size(key)) as [
      number,
      number,
      number,
    ]
    if (dim % heads !== 0) throw config.refuse('num_attention_heads', `a divisor of ${dim}`)
    const [rows, eps] = [config.size('max_position_embeddings'), config.real('layer_norm_eps', 1e-12)]
    const first = config.values.model_type === 'bert' ? 0 : config.count('pad_token_id', 1) + 1
    const project = (name: string) => named(name, linear({ in: dim, out: dim }))
    const layer = (i: number) =>
      named(
        `encoder.layer.${i}`,
        chain(
          residual(
            0,
            named(
              'attention',
              textAttention(
                { heads, scaled: true },
                project('self.query'),
                project('self.key'),
                project('self.value'),
                project('output.dense'),
              ),
            ),
          ),
          named('attention.output.LayerNorm', layerNorm(dim, eps)),
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
            named('token_type_embeddings', tokenType(config.size('type_vocab_size', 2), dim)),
            named('LayerNorm', layerNorm(dim, eps)),
          ),
        ),
        ...Array.from({ length: config.size('num_hidden_layers') }, (_, i) => layer(i)),
      ],
    }
  },
}
