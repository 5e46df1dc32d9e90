import { count } from '../../show.js'
import type { Arrow } from '../../study/ceiling/arrow.js'
import type { Ceiling } from '../../study/ceiling/ceiling.js'
import { bars } from './bar-chart.js'
import type { Axis, Figure } from './figure.js'

const COSINE: Axis = { title: 'Mean cosine', show: (x) => x.toFixed(4).replace(/^(-?)0/, '$1') }
const words = (name: string) => name.replaceAll('_', ' ')
/** Cosines of the tiers. Source: PRD, «Success Criteria». */
const TIERS = [
  { name: 'minimum', value: 0.7 },
  { name: 'target', value: 0.75 },
  { name: 'stretch', value: 0.786 },
]

/** Returns the figure of ceiling.json, with the tiers of the specification. */
export const ceilingFigures = ({ data, val, seed, ci95_note, predictors }: Ceiling): Figure[] => [
  bars({
    name: 'ceiling',
    title: 'Cosine that is reachable without a large model',
    note: `${data.path.split(/[\\/]/).at(-1)} · ${count(val.windows)} windows of ${count(val.articles)} held-out articles · seed ${seed} · ${ci95_note ?? '95 % intervals by article'}`,
    value: COSINE,
    bars: predictors.map(({ name, cosine, ci95 }) => ({ name: words(name), value: cosine, ci95 })),
    references: TIERS,
  }),
]

/** Returns the figure of arrow.json. */
export const arrowFigures = ({ data, val, seed, ci95_note, predictors }: Arrow): Figure[] => [
  bars({
    name: 'arrow',
    title: 'Prediction forward and backward',
    note: `${data.path.split(/[\\/]/).at(-1)} · ${count(val.windows)} windows of ${count(val.articles)} held-out articles · seed ${seed} · ${ci95_note ?? ''}`,
    value: COSINE,
    bars: predictors.flatMap(({ name, forward, reversed }) => [
      { name: `${name}, forward`, value: forward, group: 0 },
      { name: `${name}, reversed`, value: reversed, group: 1 },
    ]),
  }),
]
