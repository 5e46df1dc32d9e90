import type { BaselineName } from '../../baselines/baselines-fit.js'
import { NAMES } from '../../evaluate/results-table.js'
import { COLOURS } from '../../page/palette.js'
import { counted, decimal, fixed, plainName } from '../../show.js'
import type { Diagnosis } from '../../study/diagnose/diagnose-runs.js'
import { bars } from './bar-chart.js'
import type { Axis, Figure } from './figure.js'
import { type Line, lines } from './line-chart.js'

const COSINE: Axis = { title: 'Mean cosine with the row', show: (x) => decimal(x) }
const ABLATIONS: Readonly<Record<string, string>> = {
  shuffle: 'shuffled',
  reverse: 'reversed',
  repeat_last: 'last vector repeated',
  leave_out: 'without vector',
}

/** Another colour than that of the run. */
const other = (colour: number, by: number) => (colour + by) % COLOURS.length

/** Returns the figures of a run in diagnostics.json. */
export function diagnosticFigures({ run, curves, reference, ablations, ...entry }: Diagnosis, colour: number): Figure[] {
  const slug = plainName(run)
  const banded = [curves.run, curves.reference, curves.copy_last].some((points) => points.every(({ ci95 }) => ci95 !== null))
  const curve = (name: string, points: Diagnosis['curves']['run'], more: Partial<Line> = {}): Line => ({
    name,
    points: points.map(({ offset, value }) => [offset, value]),
    ...(points.every(({ ci95 }) => ci95 !== null) && {
      band: points.map(({ offset, ci95 }) => [offset, ci95![0], ci95![1]] as const),
    }),
    ...more,
  })
  return [
    lines({
      name: `offsets_${slug}`,
      title: 'Similarity of the predictions with neighbouring rows',
      note: `${run} · ${counted(curves.windows, 'window')} of ${counted(curves.articles, 'article')} · 0: the target, −1: the last vector of the context${banded ? ' · bands: 95 % by article' : ''}`,
      x: { title: 'Row, from the target', whole: true, show: (x) => fixed(x, 0), tick: (x) => fixed(x, 0) },
      y: COSINE,
      lines: [
        curve(run, curves.run, { group: colour }),
        curve(NAMES[reference.name as BaselineName] ?? reference.name, curves.reference, { group: other(colour, 1) }),
        curve('copy last', curves.copy_last, { dashed: true, group: other(colour, 2) }),
      ],
    }),
    ...(ablations.length === 0
      ? []
      : [
          bars({
            name: `ablations_${slug}`,
            title: 'Loss of cosine when the context is ablated',
            note: `${run} · ${counted(entry.n, 'window')} of ${counted(entry.articles, 'article')}${ablations.some(({ drop }) => drop.ci95) ? ' · 95 % intervals by article' : ''}`,
            value: { title: 'Loss of mean cosine', show: (x) => decimal(x) },
            bars: ablations.map((a) => ({
              name:
                a.position === null ? (ABLATIONS[a.name] ?? a.name) : `${ABLATIONS[a.name] ?? a.name} ${fixed(a.position, 0)}`,
              value: a.drop.value,
              ci95: a.drop.ci95,
              group: colour,
            })),
          }),
        ]),
  ]
}
