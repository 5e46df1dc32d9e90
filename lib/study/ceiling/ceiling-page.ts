import { pageDoor } from '../../door.js'
import type { TierName } from '../../evaluate/tiers.js'
import { worded } from '../../hints.js'
import { busyNotes } from '../../libtorch/cpu-share.js'
import { aligned, count, counted, decimal, span } from '../../show.js'
import type { Arrow } from './arrow.js'
import type { Ceiling, Reachable } from './ceiling.js'
import type { MemoryCurve } from './memory-curve.js'
import type { NetworkEnd } from './until-best.js'

const NAMES: Readonly<Record<string, string>> = {
  mean_vector: 'mean vector',
  copy_last: 'copy last',
  context_mean: 'context mean',
  exponential_mean: 'exponential mean',
  lag_weights: 'a weight per lag',
  ridge_to_mean: 'ridge to the exp. mean',
  knn: 'nearest neighbours',
  mlp: 'small network',
  mlp_dropout: 'small network, dropout',
  combined: 'combination',
}
const TIERS: Readonly<Record<TierName, string>> = { minimum: 'minimum viable', target: 'target', stretch: 'stretch' }
const REACH: Readonly<Record<Reachable, string>> = {
  reached: 'reached',
  'not shown': 'not shown to be reachable',
  excluded: 'above the upper bound',
}

/** States for each tier whether it is reached, possible or excluded. */
export const tierSentences = ({ tiers }: Pick<Ceiling, 'tiers'>): string[] =>
  (Object.keys(TIERS) as TierName[]).map((tier) => `${TIERS[tier]} ${REACH[tiers[tier]]}`)

/** States the lower bound in a sentence, and the upper bound if there is one. */
export function reachSentence({ best, upper_bound: most }: Pick<Ceiling, 'best' | 'upper_bound'>): string {
  const interval = best.ci95 === null ? '' : ` (95 %: ${span(best.ci95)}, including the choice of the best)`
  if (most == null)
    return `reachable here: a cosine of at least ${decimal(best.cosine)}${interval}; a larger model may reach more`
  const bound = `${decimal(most.cosine)}: ${most.why}`
  return best.cosine > most.cosine
    ? `reached here: a cosine of ${decimal(best.cosine)}${interval}, by chance above the largest mean cosine of any predictor, ${bound}`
    : `reachable here: a cosine of at least ${decimal(best.cosine)}${interval}; at most ${bound}`
}

const ended = ({ name, epochs, finished }: NetworkEnd) =>
  `${NAMES[name] ?? name} ${epochs.toFixed(epochs < 10 ? 1 : 0)} epochs${finished ? '' : worded(', stopped by --seconds while it may still improve')}`

/** Table of the cosines by the number of vectors before the target, and the sentence about them. */
function memoryPage({ points, val, min_history, verdict }: MemoryCurve): string[] {
  const rows = points.map(({ history, reached, exponential_mean: mean, exponential_mixture: mixture }) => [
    history === null ? 'whole article' : `up to ${count(history)}`,
    reached === null ? '' : count(reached),
    decimal(mean.cosine),
    decimal(mixture.cosine),
    span(mixture.ci95),
  ])
  return [
    `vectors before the target, on the same ${counted(val.windows, 'target')} of ${counted(val.articles, 'article')} with at least ${count(min_history)} before them:`,
    aligned([['vectors', 'targets with so many', 'exponential mean', 'mixture', '95 %'], ...rows]),
    verdict,
  ]
}

/** Formats the result of `ceiling` for the terminal. */
export const ceilingPage = pageDoor('ceilingPage', 'ceiling', (c: Ceiling): string => {
  const rows = c.predictors.map((r) => [
    NAMES[r.name] ?? r.name,
    decimal(r.cosine),
    span(r.ci95),
    r.mse_raw.toFixed(6),
    r.mse_unit.toFixed(6),
    r.name === c.best.name ? '★' : '',
  ])
  const { fitted_on: fitted, windows } = c.train
  const training = fitted < windows ? `a sample of ${count(fitted)} of ${count(windows)}` : count(windows)
  return [
    `${c.data.path} · context ${c.context} · fitted on ${training} windows, evaluated on ${count(c.val.windows)} of ${c.val.articles} other articles`,
    '',
    aligned([['', 'cosine', '95 %', 'MSE raw', 'MSE unit', ''], ...rows]),
    '',
    reachSentence(c),
    `tiers of the specification (loss and cosine): ${tierSentences(c).join(', ')}`,
    '',
    ...memoryPage(c.memory),
    '',
    `training of the networks: ${c.networks.map(ended).join('; ')}`,
    ...(c.ci95_note === null ? [] : [`no interval: ${c.ci95_note}`]),
    [`${c.seconds.toFixed(1)} s`, ...busyNotes([c.cpu_share])].join(', '),
  ].join('\n')
})

/** Formats the result of `arrow` for the terminal. */
export const arrowPage = pageDoor('arrowPage', 'arrow', (a: Arrow): string => {
  const rows = a.predictors.map((d) => [
    NAMES[d.name] ?? d.name,
    decimal(d.forward),
    decimal(d.reversed),
    decimal(d.difference),
    span(d.ci95),
    d.p === null ? '–' : d.p < 1e-4 ? '< .0001' : decimal(d.p),
  ])
  return [
    `${a.data.path} · context ${a.context} · ${count(a.val.windows)} held-out windows of ${counted(a.val.articles, 'article')}, read in both directions`,
    '',
    aligned([['', 'forward', 'reversed', 'difference', '95 %', 'p'], ...rows]),
    '',
    a.verdict,
    ...(a.ci95_note === null ? [] : [`no interval: ${a.ci95_note}`]),
    [`${a.seconds.toFixed(1)} s`, ...busyNotes([a.cpu_share])].join(', '),
  ].join('\n')
})
