import { type Html, html } from '../../page/html.js'
import { count, decimal, NONE, span } from '../../show.js'
import type { MemoryCurve } from '../../study/ceiling/memory-curve.js'
import { number, table } from './parts.js'

/** Cosines by the number of vectors before the target. */
export const memoryTable = ({ points, verdict }: MemoryCurve): Html =>
  html`<p>Memory: ${verdict}.</p>${table(
    points,
    [
      { title: 'Vectors', read: (p) => (p.history === null ? 'whole article' : `up to ${count(p.history)}`) },
      { title: 'Targets with so many', numeric: true, read: (p) => (p.reached === null ? NONE : count(p.reached)) },
      { title: 'Exponential mean', numeric: true, read: (p) => number(p.exponential_mean.cosine, (x) => decimal(x)) },
      { title: 'Mixture', numeric: true, read: (p) => number(p.exponential_mixture.cosine, (x) => decimal(x)) },
      { title: '95 %', numeric: true, read: (p) => span(p.exponential_mixture.ci95) },
    ],
    'cosine by the number of vectors before the target',
  )}`
