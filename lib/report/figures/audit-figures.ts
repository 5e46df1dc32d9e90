import type { Audit } from '../../audit/audit.js'
import { count, counted, decimal, fixed } from '../../show.js'
import type { Axis, Figure } from './figure.js'
import { histogram } from './histogram-chart.js'
import { lines } from './line-chart.js'

const COSINE: Axis = { title: 'Mean cosine', show: (x) => decimal(x) }

/** Removes the empty bins at both ends of a histogram. */
function trimmed({ from, to, counts }: Audit['adjacent']['histogram']) {
  const width = (to - from) / counts.length
  const first = counts.findIndex((n) => n > 0)
  const last = counts.findLastIndex((n) => n > 0)
  const edge = (i: number) => Number((from + i * width).toPrecision(10))
  return { edges: Array.from({ length: last - first + 2 }, (_, i) => edge(first + i)), counts: counts.slice(first, last + 1) }
}

/** Returns the figures of a file in audit.json. */
export function auditFigures({ path, rows, dim, lags, random_pairs, adjacent, regions, spectrum }: Audit): Figure[] {
  const note = `${path.split(/[\\/]/).at(-1)} · ${counted(rows, 'row')} × ${dim}`
  const banded = lags.every(({ ci95 }) => ci95 !== null)
  return [
    ...(lags.length === 0
      ? []
      : [
          lines({
            name: 'lag_curve',
            title: 'Similarity of rows of an article by their distance',
            note: `${note} · ${banded ? 'band: 95 % by article' : 'no intervals'}`,
            x: { title: 'Distance', unit: 'rows', whole: true },
            y: COSINE,
            lines: [
              {
                name: 'same article',
                points: lags.map((l) => [l.lag, l.cosine]),
                ...(banded && { band: lags.map((l) => [l.lag, l.ci95![0], l.ci95![1]] as const) }),
              },
            ],
            references: [{ name: 'random pairs', value: random_pairs.mean }],
          }),
        ]),
    ...(['adjacent', 'random_pairs'] as const).flatMap((key) => {
      const { histogram: h, mean } = { adjacent, random_pairs }[key]
      if (!h.counts.some((n) => n > 0)) return []
      const title = key === 'adjacent' ? 'Cosine of neighbours' : 'Cosine of random pairs'
      return [
        histogram({
          name: `${key}_cosine`,
          title,
          note,
          x: { title: 'Cosine', show: (x) => decimal(x) },
          what: 'pairs',
          bins: trimmed(h),
          references: [{ name: 'mean', value: mean }],
        }),
      ]
    }),
    ...(regions.length < 2
      ? []
      : [
          lines({
            name: 'regions',
            title: 'Cosine of neighbours along the corpus',
            note: `${note} · ${regions.filter(({ odd }) => odd).length} of ${regions.length} stretches differ from the rest`,
            x: { title: 'Row', show: count, tick: count },
            y: COSINE,
            lines: [{ name: 'stretches', points: regions.map((r) => [(r.from + r.to) / 2, r.cosine]) }],
          }),
        ]),
    lines({
      name: 'spectrum',
      title: 'Share of the variance along the principal directions',
      note: `${note} · effective rank ${fixed(spectrum.effective_rank, 1)}`,
      x: { title: 'Direction', log: true, show: (x) => count(x) },
      y: { title: 'Share of the variance', log: true, show: (x) => `${Number((100 * x).toPrecision(2))} %` },
      lines: [{ name: 'share', points: spectrum.shares.flatMap((share, i) => (share > 1e-5 ? [[i + 1, share] as const] : [])) }],
    }),
  ]
}
