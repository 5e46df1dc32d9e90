import {
  activation,
  chain,
  embedding,
  linear,
  type Node,
  named,
  product,
  relativeBias,
  residual,
  rmsNorm,
  textAttention,
} from '../../spec/ops.js'
import type { EncoderConfig } from './encoder-config.js'
import type { EncoderFamily } from './encoder-family.js'

/** T5's feed-forward layer: a projection and ReLU, or, if gated, a projection multiplied by the activation of a second one. */
export function t5FeedForward(config: EncoderConfig, gated: boolean): Node {
  const [dim, hidden] = [config.size('d_model'), config.size('d_ff')]
  const wide = (name: string) => named(name, linear({ in: dim, out: hidden, bias: false }))
  const kind = config.text('feed_forward_proj', 'relu')
  if (!gated) {
    if (kind !== 'relu') throw config.refuse('feed_forward_proj', '"relu", for weights without wi_0')
    return chain(wide('wi'), activation('relu'), named('wo', linear({ in: hidden, out: dim, bias: false })))
  }
  const acts = { 'gated-gelu': 'gelu_tanh', 'gated-silu': 'silu', 'gated-relu': 'relu' } as const
  if (!Object.hasOwn(acts, kind))
    throw config.refuse('feed_forward_proj', `one of ${Object.keys(acts).join(', ')}, for weights with wi_0`)
  const act = acts[kind as keyof typeof acts]
  return chain(
    product(chain(wide('wi_0'), activation(act)), wide('wi_1')),
    named('wo', linear({ in: hidden, out: dim, bias: false })),
  )
}

/**
 * The encoder of T5: norms before each layer, no biases, unscaled scores, one relative position bias for all layers.
 *
 * Source: Raffel et al. 2020, arXiv:1910.10683; Shazeer 2020, arXiv:2002.05202, for the gated feed-forward layer.
 */
export const t5Encoder: EncoderFamily = {
  types: ['t5'],
  anchor: 'block.0.layer.0.SelfAttention.q.weight',
  aliases: [
    ['embed_tokens.weight', 'shared.weight', 'encoder.embed_tokens.weight', 'decoder.embed_tokens.weight', 'lm_head.weight'],
  ],
  unused: [/^decoder\./, /^lm_head\./, /^shared\./],
  build(config, names) {
    const [dim, heads, each] = ['d_model', 'num_heads', 'd_kv'].map((key) => config.size(key)) as [number, number, number]
    const [eps, buckets] = [config.real('layer_norm_epsilon', 1e-6), config.size('relative_attention_num_buckets', 32)]
    const distance = config.size('relative_attention_max_distance', 128)
    const gated = names.has('block.0.layer.1.DenseReluDense.wi_0.weight')
    const norm = named('layer_norm', rmsNorm(dim, eps))
    const into = (name: string) => named(name, linear({ in: dim, out: heads * each, bias: false }))
    const out = named('o', linear({ in: heads * each, out: dim, bias: false }))
    const layer = (i: number) =>
      named(
        `block.${i}`,
        chain(
          named(
            'layer.0',
            residual(
              0,
              norm,
              named('SelfAttention', textAttention({ heads, scaled: false }, into('q'), into('k'), into('v'), out)),
            ),
          ),
          named('layer.1', residual(0, norm, named('DenseReluDense', t5FeedForward(config, gated)))),
        ),
      )
    return {
      dim,
      longest: Number.POSITIVE_INFINITY,
      nodes: [
        named('embed_tokens', embedding(config.size('vocab_size'), dim)),
        relativeBias(
          { buckets, distance, causal: false },
          named('block.0.layer.0.SelfAttention.relative_attention_bias', embedding(buckets, heads)),
          ...Array.from({ length: config.size('num_layers') }, (_, i) => layer(i)),
          named('final_layer_norm', rmsNorm(dim, eps)),
        ),
      ],
    }
  },
}
