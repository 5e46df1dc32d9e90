import { linear, named, textAttention, tokenType } from '../../spec/ops.js'
import { bertEmbeddings, bertLayers, bertSizes } from './bert-blocks.js'
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
    const sizes = bertSizes(config)
    const { dim, heads, rows } = sizes
    const first = config.values.model_type === 'bert' ? 0 : config.count('pad_token_id', 1) + 1
    const types = named('token_type_embeddings', tokenType(config.size('type_vocab_size', 2), dim))
    const project = (name: string) => named(name, linear({ in: dim, out: dim }))
    const attention = named(
      'attention',
      textAttention(
        { heads, scaled: true },
        project('self.query'),
        project('self.key'),
        project('self.value'),
        project('output.dense'),
      ),
    )
    return {
      dim,
      longest: rows - first,
      nodes: [bertEmbeddings(config, sizes, first, types), ...bertLayers(config, sizes, attention, 'attention.output.LayerNorm')],
    }
  },
}
