import type { LrTest } from '../checkpoint/tested-settings.js'

/** Rates of a range test, each a constant factor above the last one. */
const RANGE = { from: 1e-6, to: 1, steps: 100 }
export const RATES = Array.from(
  { length: RANGE.steps },
  (_, i) => RANGE.from * (RANGE.to / RANGE.from) ** (i / (RANGE.steps - 1)),
)
/** Neighbours on either side: for the mean that smooths the curve, and for the line whose slope is its descent. */
const [MEAN, LINE] = [3, 6]
/** Least loss, so that its logarithm is finite. */
const LEAST = 1e-30
/** A lowest loss above this share of the untrained model's is no descent. */
const DESCENT = 0.999

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const around = <T>(values: readonly T[], at: number, reach: number): T[] => values.slice(Math.max(0, at - reach), at + reach + 1)

/** Logarithm of the loss relative to that of the untrained model on the same batches, smoothed over the rates. */
export function descent(curve: LrTest['curve']): number[] {
  const logs = curve.map(({ untrained, trained }) => Math.log(Math.max(LEAST, trained) / Math.max(LEAST, untrained)))
  return logs.map((_, at) => mean(around(logs, at, MEAN)))
}

/** Slope of the line through the values around a place, by least squares. */
function slope(values: readonly number[], at: number): number {
  const near = around(values, at, LINE)
  const middle = (near.length - 1) / 2
  return near.reduce((sum, value, i) => sum + (i - middle) * value, 0) / near.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
}

/** Place of the smallest value. */
const smallest = (values: readonly number[]): number => values.reduce((best, value, i) => (value < values[best]! ? i : best), 0)

/**
 * Chooses a rate from the losses of a range test: the geometric mean of a tenth of the rate with the lowest loss and of the rate where the
 * loss falls most steeply, but at least the smaller one of that tenth and the recipe's rate; the recipe's rate where the loss does not fall.
 *
 * Source: learning-rate range test, Smith 2017, arXiv:1506.01186, section 3.3, with exponential steps; the two points are those of `lr_find`
 * in fastai (Howard & Gugger 2020, arXiv:2002.04688). Own: their mean, its lower bound, and losses relative to the untrained model's.
 */
export function chosenRate(untrained: readonly number[], trained: readonly number[], usual: number): LrTest {
  const curve = trained.map((loss, i) => ({ lr: RATES[i]!, untrained: untrained[i]!, trained: loss }))
  const found = { usual, curve, diverged: trained.length < RATES.length }
  const logs = descent(curve)
  const low = smallest(logs)
  if (logs.length === 0 || logs[low]! > Math.log(DESCENT)) return { lr: usual, lowest: null, steepest: null, ...found }
  const steep = smallest(logs.slice(0, low + 1).map((_, at) => slope(logs, at)))
  const [lowest, steepest] = [curve[low]!.lr, curve[steep]!.lr]
  const tenth = lowest / 10
  const lr = Math.max(Math.sqrt(tenth * steepest), Math.min(tenth, usual))
  return { lr: Number(lr.toPrecision(2)), lowest, steepest, ...found }
}
