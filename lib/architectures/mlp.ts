import { integer } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { activation, chain, dropout as drop, flatten, linear, named } from '../spec/ops.js'

/**
 * Multi-layer perceptron over the flattened context, which has a fixed length.
 *
 * Shapes: [batch, context, dim] → [batch, dim].
 * Source: own.
 */
export const mlp = architecture({
  name: 'mlp',
  row: null,
  folder: 'mlp',
  title: 'MLP',
  about: 'one hidden layer over the flattened context; small, fast and a strong baseline for short contexts',
  target: null,
  complexity: 'O(n)',
  causal: false,
  fixedContext: true,
  sources: ['own'],
  inputScale: 'sqrt_dim',
  training: { eps: 1e-10 },
  fields: {
    width: integer({ default: 1024, min: 1, about: 'dimension of a hidden layer', group: 'Model' }),
    layers: field.layers(1, 'hidden layers', 64),
    dropout: field.dropout(0, 'of hidden layers'),
  },
  presets: { target: {}, prd: {}, tiny: { width: 16, layers: 2 }, checkpoint: {} },
  width: ({ width }) => width,
  trunk: ({ dim, context, input, width, layers, dropout }) => {
    const flat = input === 'memory' ? 1 : context // the means replace the context
    const hidden = Array.from({ length: layers }, (_, i) =>
      chain(named(`layers.${i}`, linear({ in: i === 0 ? flat * dim : width, out: width })), activation('gelu'), drop(dropout)),
    )
    return named('core', chain(...(input === 'memory' ? [] : [flatten(context)]), ...hidden))
  },
})
