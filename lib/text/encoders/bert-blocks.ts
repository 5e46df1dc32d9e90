import { absolutePositions, activation, chain, embedding, layerNorm, linear, type Node, named, residual } from '../../spec/ops.js'
import type { EncoderConfig } from './encoder-config.js'

/** Sizes that BERT and MPNet name alike. */
export interface BertSizes {
  readonly dim: number
  readonly heads: number
  readonly hidden: number
  /** Rows of the table of positions. */
  readonly rows: number
  readonly layers: number
  readonly eps: number
}

/** Errors: BAD_ENCODER. */
export function bertSizes(config: EncoderConfig): BertSizes {
  const sizes = {
    dim: config.size('hidden_size'),
    heads: config.size('num_attention_heads'),
    hidden: config.size('intermediate_size'),
    rows: config.size('max_position_embeddings'),
    layers: config.size('num_hidden_layers'),
    eps: config.real('layer_norm_eps', 1e-12),
  }
  if (sizes.dim % sizes.heads !== 0) throw config.refuse('num_attention_heads', `a divisor of ${sizes.dim}`)
  return sizes
}

/** Embeddings of tokens and positions from `first` on, with further ones (token types) before the norm. */
export const bertEmbeddings = (config: EncoderConfig, { dim, rows, eps }: BertSizes, first: number, ...more: Node[]): Node =>
  named(
    'embeddings',
    chain(
      named('word_embeddings', embedding(config.size('vocab_size'), dim)),
      named('position_embeddings', absolutePositions({ rows, dim, first })),
      ...more,
      named('LayerNorm', layerNorm(dim, eps)),
    ),
  )

/** Post-norm layers: attention and a feed-forward network, each added to its input and normalised; `norm` names the first norm. */
export function bertLayers(
  config: EncoderConfig,
  { dim, hidden, layers, eps }: BertSizes,
  attention: Node,
  norm: string,
): Node[] {
  const layer = chain(
    residual(0, attention),
    named(norm, layerNorm(dim, eps)),
    residual(
      0,
      named('intermediate.dense', linear({ in: dim, out: hidden })),
      activation(config.activation('hidden_act', 'gelu')),
      named('output.dense', linear({ in: hidden, out: dim })),
    ),
    named('output.LayerNorm', layerNorm(dim, eps)),
  )
  return Array.from({ length: layers }, (_, i) => named(`encoder.layer.${i}`, layer))
}
