import { integer } from '../options.js'
import { architecture } from '../spec/architecture.js'
import * as field from '../spec/architecture-fields.js'
import { chain, named, lstm as recurrent } from '../spec/ops.js'

/**
 * LSTM: two recurrent layers without input projection.
 *
 * Shapes: [batch, time, dim] → [batch, dim].
 * Source: Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
 */
export const lstm = architecture({
  name: 'lstm',
  row: 1,
  folder: 'lstm_baseline',
  title: 'LSTM Baseline',
  about: 'two recurrent layers; small, and fast on any machine',
  target: 5.1e6,
  complexity: 'O(n)',
  causal: true,
  sources: ['doi:10.1162/neco.1997.9.8.1735'],
  inputScale: 'none',
  fields: {
    width: integer({ default: 512, min: 1, about: 'dimension of the hidden state', group: 'Model' }),
    layers: field.layers(2, 'recurrent layers', 64),
    dropout: field.dropout(0.2, 'between layers'),
  },
  presets: { target: {}, prd: {}, tiny: { width: 16, layers: 2 }, checkpoint: { head: 'mlp' } },
  width: ({ width }) => width,
  trunk: ({ dim, width, layers, dropout }) => named('core', chain(named('lstm', recurrent({ in: dim, width, layers, dropout })))),
})
