import { decimal, kebab, mse, NONE } from '../show.js'
import type { MetricName } from './metric.js'
import type { Settings } from './search-space.js'
import type { SeedMean } from './seed-mean.js'

/** Formats a score of a metric. */
export const scoreText = (metric: MetricName, score: number | null | undefined): string =>
  score == null ? NONE : metric === 'val_loss' ? mse(score) : decimal(score)

/** Formats a mean over seeds with the half-width of its interval. */
export function meanText(metric: MetricName, found: SeedMean | null): string {
  if (found === null) return NONE
  const half = found.ci95 === null ? '' : ` ± ${scoreText(metric, (found.ci95[1] - found.ci95[0]) / 2)}`
  return `${scoreText(metric, found.mean)}${half}`
}

/** The searched options of a run as flags. */
export const optionsText = (options: Settings, searched: readonly string[]): string =>
  Object.entries(options)
    .filter(([key]) => searched.includes(key))
    .map(([key, value]) => `${kebab(key)}=${typeof value === 'number' ? Number(value.toPrecision(3)) : value}`)
    .join(' ') || 'fixed options only'

const METHOD_NAMES = { random: 'random search', tpe: 'TPE', halving: 'successive halving' } as const
export const methodText = (method: keyof typeof METHOD_NAMES): string => METHOD_NAMES[method]
