import { setImmediate } from 'node:timers/promises'
import { LvmError } from '../errors.js'
import { byArticle } from './estimates.js'
import { randomIndex } from './random-index.js'
import { studentLimit } from './student.js'

const FLIPS = 10_000
/** Sign flips between two ticks of the event loop, about 2 ms. */
const STRIDE = 200_000
/** Two-sided error rates for `studentLimit`: 5 % false positives, and twice the 20 % one-sided rate of false negatives (80 % power). */
const [FALSE_POSITIVE, FALSE_NEGATIVE] = [0.05, 2 * 0.2]

/**
 * Two-sided p value of a sign-flip permutation test: under the null hypothesis the differences of an article have either sign with equal probability.
 *
 * All differences of an article change sign together. p = (1 + flips at least as far from 0) / (1 + flips), so it is never 0. Of few
 * articles every combination of signs is a flip, and p is exact; of others `flips` are drawn.
 * Errors: DATA_TOO_FEW without values.
 * Source: Fisher 1935 §21; Phipson & Smyth 2010 (the 1 added to both).
 */
export async function signFlipP(
  differences: Float64Array,
  articles: Int32Array,
  { seed = 0, flips = FLIPS }: { seed?: number; flips?: number } = {},
): Promise<number> {
  if (differences.length === 0) throw new LvmError('DATA_TOO_FEW', 'statistics: expected at least one window but received none')
  const { sums } = byArticle(differences, articles)
  const seen = Math.abs(sums.reduce((a, b) => a + b, 0))
  const noise = 1e-12 * sums.reduce((a, b) => a + Math.abs(b), 0) // sums that differ only by round-off count as equal
  const draw = randomIndex(seed)
  const stride = Math.max(1, Math.floor(STRIDE / sums.length))
  const others = 2 ** sums.length - 1 // combinations beside the observed one
  const [all, count] = others <= flips ? [true, others] : [false, flips]
  let far = 0
  for (let flip = 1; flip <= count; flip++) {
    if (flip % stride === 0) await setImmediate()
    let sum = 0
    for (let c = 0; c < sums.length; c++) {
      const stays = all ? ((flip >> c) & 1) === 0 : draw(2) === 0
      sum += stays ? sums[c]! : -sums[c]!
    }
    if (Math.abs(sum) >= seen - noise) far++
  }
  return (1 + far) / (1 + count)
}

/**
 * Adjusts p values for multiple tests: rejecting all up to .05 keeps the expected share of false discoveries at 5 %.
 *
 * Source: Benjamini & Hochberg 1995; as adjusted p values, Yekutieli & Benjamini 1999.
 */
export function benjaminiHochberg(p: readonly number[]): number[] {
  const adjusted = new Array<number>(p.length)
  let least = 1
  const order = p.map((_, i) => i).sort((a, b) => p[b]! - p[a]!) // descending
  order.forEach((i, behind) => {
    least = Math.min(least, (p[i]! * p.length) / (p.length - behind))
    adjusted[i] = least
  })
  return adjusted
}

/**
 * Minimum detectable effect: the smallest true difference found with 80 % power at a two-sided significance level of 5 %.
 *
 * Null when the standard error is unknown.
 * Source: Bloom 1995, Minimum detectable effects.
 */
export const minimumDetectable = ({ se, articles }: { readonly se: number | null; readonly articles: number }): number | null =>
  se === null ? null : se * (studentLimit(FALSE_POSITIVE, articles - 1) + studentLimit(FALSE_NEGATIVE, articles - 1))
