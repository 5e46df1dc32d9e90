import { count, counted, decimal } from '../../show.js'
import type { Arrow } from '../../study/ceiling/arrow.js'
import type { Ceiling } from '../../study/ceiling/ceiling.js'
import type { MemoryCurve } from '../../study/ceiling/memory-curve.js'
import { bars } from './bar-chart.js'
import type { Axis, Figure } from './figure.js'
import { lines } from './line-chart.js'

const COSINE: Axis = { title: 'Mean cosine', show: (x) => decimal(x) }
const words = (name: string) => name.replaceAll('_', ' ')
/** Cosines of the tiers. Source: PRD, «Success Criteria». */
const TIERS = [
  { name: 'minimum', value: 0.7 },
  { name: 'target', value: 0.75 },
  { name: 'stretch', value: 0.786 },
]

/** Cosine of formulas by the number of vectors before the target; all vectors stand at the longest context. */
function memoryFigure({ data, seed, memory }: Ceiling & { readonly memory: MemoryCurve }): Figure {
  const { points, val, min_history, longest, verdict } = memory
  const at = ({ history }: MemoryCurve['points'][number]) => history ?? longest
  const band = points.flatMap((point) => {
    const { ci95 } = point.exponential_mixture
    return ci95 === null ? [] : [[at(point), ...ci95] as const]
  })
  return lines({
    name: 'ceiling_memory',
    title: 'Cosine by the number of vectors before the target',
    note: `${data.path.split(/[\\/]/).at(-1)} · the same ${counted(val.windows, 'target')} of ${count(val.articles)} held-out articles at every point, with at least ${min_history} vectors before them · seed ${seed} · last point: whole articles · ${verdict}`,
    x: { title: 'Vectors before the target, at most', log: true, whole: true },
    y: COSINE,
    lines: [
      {
        name: 'mixture of means',
        points: points.map((p) => [at(p), p.exponential_mixture.cosine]),
        ...(band.length > 0 && { band }),
      },
      { name: 'exponential mean', points: points.map((p) => [at(p), p.exponential_mean.cosine]) },
    ],
  })
}

const ceilingFigure = ({ data, val, seed, ci95_note, predictors }: Ceiling): Figure =>
  bars({
    name: 'ceiling',
    title: 'Cosine that is reachable without a large model',
    note: `${data.path.split(/[\\/]/).at(-1)} · ${counted(val.windows, 'window')} of ${count(val.articles)} held-out articles · seed ${seed} · ${ci95_note ?? (predictors.some(({ ci95 }) => ci95) ? '95 % intervals by article' : 'no intervals')}`,
    value: COSINE,
    bars: predictors
      .map(({ name, cosine, ci95 }) => ({ name: words(name), value: cosine, ci95 }))
      .toSorted((a, b) => b.value - a.value),
    references: TIERS,
  })

/** Returns the figures of ceiling.json: the predictors with the tiers of the specification, and longer contexts. */
export const ceilingFigures = (ceiling: Ceiling): Figure[] => {
  // Files of earlier versions have no memory.
  const { memory }: { readonly memory?: MemoryCurve } = ceiling
  return [ceilingFigure(ceiling), ...(memory === undefined ? [] : [memoryFigure({ ...ceiling, memory })])]
}

/** Returns the figure of arrow.json. */
export const arrowFigures = ({ data, val, seed, ci95_note, predictors }: Arrow): Figure[] => [
  bars({
    name: 'arrow',
    title: 'Prediction forward and backward',
    note: `${data.path.split(/[\\/]/).at(-1)} · ${counted(val.windows, 'window')} of ${count(val.articles)} held-out articles · seed ${seed} · ${ci95_note ?? ''}`,
    value: COSINE,
    bars: predictors.flatMap(({ name, forward, reversed }) => [
      { name: `${name}, forward`, value: forward, group: 0 },
      { name: `${name}, reversed`, value: reversed, group: 1 },
    ]),
  }),
]
