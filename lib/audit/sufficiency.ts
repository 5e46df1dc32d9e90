import { architectures } from '../architectures/index.js'
import type { Base } from '../data/base.js'
import { partSize } from '../data/split.js'
import { runLengths, type Windows } from '../data/windows.js'
import { count, counted } from '../show.js'
import { countParameters } from '../spec/count.js'
import { FEWEST_ARTICLES } from '../statistics/estimates.js'
import { type Finding, finding } from './audit-findings.js'

/** Parameters per window beyond which even the smallest model mostly memorises. */
const MOST_PARAMETERS = 1000

/** Amount of data for training and evaluation. */
export interface Sufficiency {
  readonly windows: number
  /** Number of windows that share no vector. */
  readonly independent: number
  readonly articles: number
  /** Number of validation articles in the default split. */
  readonly val_articles: number
  /** Number of inputs of a linear map of the context. */
  readonly inputs: number
  readonly models: readonly { readonly name: string; readonly parameters: number; readonly per_window: number }[]
}

function independentOf(base: Base, windows: Windows): number {
  const length = windows.context + 1
  if (windows.crosses !== undefined || base.kind === 'sequences') return Math.max(1, Math.floor(base.rows / length))
  const run = runLengths(base)
  let sum = 0
  for (let row = 0; row < base.rows; row++) if (row + 1 === base.rows || run[row + 1] === 1) sum += Math.floor(run[row]! / length)
  return sum
}

export function sufficiencyOf(base: Base, windows: Windows): Sufficiency {
  const { context, dim } = windows
  const articles = new Set(windows.article).size
  const models = architectures.map(({ name, spec }) => {
    const parameters = countParameters(spec({ dim, context }).node)
    return { name, parameters, per_window: parameters / Math.max(1, windows.count) }
  })
  return {
    windows: windows.count,
    independent: independentOf(base, windows),
    articles,
    val_articles: partSize(articles, 0.1),
    inputs: context * dim,
    models,
  }
}

export function sufficiencyFinding({ windows, independent, articles, val_articles, inputs, models }: Sufficiency): Finding {
  const smallest = models.reduce((a, b) => (b.parameters < a.parameters ? b : a))
  const figures = { windows, independent, articles, val_articles, inputs, parameters_per_window: smallest.per_window }
  if (windows === 0) return finding('SUFFICIENCY', 'FAIL', 'no article is long enough for a window', figures)
  const lacking = [
    ...(independent < inputs ? [`fewer independent windows than the ${count(inputs)} inputs of a linear map`] : []),
    ...(val_articles < FEWEST_ARTICLES
      ? [`${counted(val_articles, 'article')} for validation, an interval needs ${FEWEST_ARTICLES}`]
      : []),
    ...(smallest.per_window > MOST_PARAMETERS
      ? [`${count(Math.round(smallest.per_window))} parameters per window in ${smallest.name}, the smallest model`]
      : []),
  ]
  const summary = `${counted(windows, 'window')} of ${counted(articles, 'article')}, ${count(independent)} of them independent`
  return lacking.length === 0
    ? finding('SUFFICIENCY', 'PASS', summary, figures)
    : finding('SUFFICIENCY', 'WARN', `${summary}: ${lacking.join('; ')}`, figures)
}
