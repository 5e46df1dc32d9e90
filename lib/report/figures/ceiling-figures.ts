import { count } from '../../show.js'
import type { Arrow } from '../../study/ceiling/arrow.js'
import type { Ceiling } from '../../study/ceiling/ceiling.js'
import { bars } from './bar-chart.js'
import type { Axis, Figure } from './figure.js'

const COSINE: Axis = { title: 'Mean cosine', show: (x) => x.toFixed(4).replace(/^(-?)0/, '$1') }
const words = (name: string) => name.replaceAll('_', ' ')
/** The cosines that the PRD's tiers ask for. Source: PRD, «Success Criteria». */
const TIERS = [
  { name: 'minimum', value: 0.7 },
  { name: 'target', value: 0.75 },
  { name: 'stretch', value: 0.786 },
]

/** What ceiling.json says can be reached, beside what the PRD asks for. */
export const ceilingFigures = ({ data, val, seed, ci95_note, predictors }: Ceiling): Figure[] => [
  bars({
    name: 'ceiling',
    title: 'What can be reached without a large model',
    note: `${data.path.split(/[\\/]/).at(-1)} · ${count(val.windows)} windows of ${count(val.articles)} held-out articles · seed ${seed} · ${ci95_note ?? '95 % intervals by article'}`,
    value: COSINE,
    bars: predictors.map(({ name, cosine, ci95 }) => ({ name: words(name), value: cosine, ci95 })),
    references: TIERS,
  }),
]

/** What arrow.json says of the direction of the text. */
export const arrowFigures = ({ data, val, seed, ci95_note, predictors }: Arrow): Figure[] => [
  bars({
    name: 'arrow',
    title: 'Predicting what follows, and what came before',
    note: `${data.path.split(/[\\/]/).at(-1)} · ${count(val.windows)} windows of ${count(val.articles)} held-out articles · seed ${seed} · ${ci95_note ?? ''}`,
    value: COSINE,
    bars: predictors.flatMap(({ name, forward, reversed }) => [
      { name: `${name}, forward`, value: forward, group: 0 },
      { name: `${name}, reversed`, value: reversed, group: 1 },
    ]),
  }),
]
