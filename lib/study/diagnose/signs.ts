import type { Estimate } from '../../statistics/estimates.js'
import type { Ablation } from './ablations.js'
import type { Facts, Figure } from './facts.js'

/** Standard errors that replace an interval when there are too few articles for one. */
const ERRORS = 4

/** Whether an estimate is significantly above a number: by its interval, or by four standard errors without one. */
export const above = ({ mean, se, ci95 }: Estimate, x: number): boolean =>
  ci95 !== null ? ci95[0] > x : se !== null && mean - ERRORS * se > x
export const below = ({ mean, se, ci95 }: Estimate, x: number): boolean =>
  ci95 !== null ? ci95[1] < x : se !== null && mean + ERRORS * se < x

export const figure = (x: number) =>
  x
    .toFixed(3)
    .replace(/^(-?)0\./, '$1.')
    .replace('-', '−')
export const signed = (x: number) => (x > 0 ? '+' : '') + figure(x)
export const percent = (x: number) => `${(100 * x).toFixed(x < 0.1 ? 1 : 0)} %`
export const times = (x: number) => `${x < 10 ? x.toFixed(1) : Math.round(x)} times`
export const span = ({ ci95 }: Pick<Figure, 'ci95'>) => (ci95 === null ? '' : ` (95 %: ${figure(ci95[0])} … ${figure(ci95[1])})`)

/** Dispersion of predictions divided by that of the reference predictor. */
export const spreadShare = ({ dispersion, reference }: Facts) =>
  dispersion.predictions.dispersion / Math.max(1e-9, reference.spread.dispersion)
/** Largest distance of the cosine from the floor at any offset. */
export const peak = ({ curves, floor }: Facts) => Math.max(...curves.run.map(({ value }) => Math.abs(value - floor)))
export const ablation = (f: Facts, name: Ablation['name']) => f.ablations.find((a) => a.name === name)
/** Whether a drop is more than 2 % of the gain from the context. */
export const matters = (f: Facts, drop: number) => Math.abs(drop) > 0.02 * Math.max(f.gain.mean, 1e-3)
/** Whether the predictions of a run with a contrastive loss share one direction or few: a tenth of the targets' spread or rank. */
export const contrastiveCollapse = ({ settings, dispersion: { predictions, targets } }: Facts) =>
  String(settings?.loss).endsWith('contrastive') &&
  (predictions.dispersion < 0.1 * targets.dispersion || predictions.effective_rank < 0.1 * targets.effective_rank)
export const narrow = (f: Facts) => spreadShare(f) < 0.25
export const flipped = (f: Facts) => below(f.gain, 0) && -f.gain.mean > 0.25 * f.reference.gain
export const isFlat = (f: Facts) =>
  !narrow(f) && !flipped(f) && f.gain.mean < 0.15 * f.reference.gain && peak(f) < 0.5 * f.reference.gain
/** Whether training never reached a higher cosine; then a low cosine does not indicate foreign weights. */
export const neverBetter = ({ recorded, past, cosine }: Facts) =>
  recorded?.equal ?? (past.cosine_best !== null && past.cosine_best <= cosine.value + 0.02)
/** Whether the run is at the floor and training never left it; then a foreign forward or a later collapse is not indicated. */
export const undertrained = (f: Facts) =>
  neverBetter(f) && (isFlat(f) || (narrow(f) && f.to_mean <= 0.9 && !flipped(f) && f.gain.mean < 0.15 * f.reference.gain))
/** Whether the running loss fell while the evaluated (averaged) weights got worse on the same rows. */
export const averageLags = ({ running_loss_change: running, judged_loss_change: judged }: Facts['past']) =>
  running !== null && judged !== null && running < -0.01 && judged > 0.002
export const blurred = (f: Facts) =>
  below(f.identification_difference, 0) &&
  f.identification.value - 0.5 < 0.5 * (f.reference.identification - 0.5) &&
  f.cosine.value > f.floor &&
  !isFlat(f)
