import { setImmediate } from 'node:timers/promises'
import { LvmError } from '../errors.js'
import { byArticle } from './estimates.js'
import { randomIndex } from './random-index.js'
import { studentLimit } from './student.js'

const FLIPS = 10_000
/** Sign flips between two breaths of the event loop, about 2 ms. */
const STRIDE = 200_000
/** Chances, both sides together, of false alarms and of missing what is there: one side of the latter is one in five. */
const [FALSE_ALARM, MISSED] = [0.05, 2 * 0.2]

/**
 * How often paired differences as far from 0 as these would come about if each article's were as likely of either sign.
 *
 * All differences of an article change sign together. p = (1 + flips that are as far) / (1 + flips), so it is never 0.
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
  const noise = 1e-12 * sums.reduce((a, b) => a + Math.abs(b), 0) // two orders of one sum are equal
  const draw = randomIndex(seed)
  const stride = Math.max(1, Math.floor(STRIDE / sums.length))
  let far = 0
  for (let flip = 0; flip < flips; flip++) {
    if (flip % stride === stride - 1) await setImmediate()
    let sum = 0
    for (let c = 0; c < sums.length; c++) sum += draw(2) === 0 ? sums[c]! : -sums[c]!
    if (Math.abs(sum) >= seen - noise) far++
  }
  return (1 + far) / (1 + flips)
}

/**
 * p values made comparable when many are looked at: calling all up to .05 a finding makes one in twenty findings false on average.
 *
 * Source: Benjamini & Hochberg 1995; as adjusted p values, Yekutieli & Benjamini 1999.
 */
export function benjaminiHochberg(p: readonly number[]): number[] {
  const adjusted = new Array<number>(p.length)
  let least = 1
  const order = p.map((_, i) => i).sort((a, b) => p[b]! - p[a]!) // the largest first
  order.forEach((i, behind) => {
    least = Math.min(least, (p[i]! * p.length) / (p.length - behind))
    adjusted[i] = least
  })
  return adjusted
}

/**
 * The smallest true difference that data like these would show in four cases of five, at 5 % false alarms (two-sided).
 *
 * Null where no standard error is known.
 * Source: Bloom 1995, Minimum detectable effects.
 */
export const minimumDetectable = ({ se, articles }: { readonly se: number | null; readonly articles: number }): number | null =>
  se === null ? null : se * (studentLimit(FALSE_ALARM, articles - 1) + studentLimit(MISSED, articles - 1))
