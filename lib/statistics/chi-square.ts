import { logGamma } from './student.js'

/** Lower regularised incomplete gamma function by its series, for x < a + 1. Source: Numerical Recipes §6.2. */
function lowerGamma(a: number, x: number): number {
  let [term, sum] = [1 / a, 1 / a]
  for (let n = 1; n < 10_000 && term > sum * 1e-16; n++) {
    term *= x / (a + n)
    sum += term
  }
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a))
}

/** Upper regularised incomplete gamma function by its continued fraction, for x ≥ a + 1. Source: Lentz's method, Numerical Recipes §6.2. */
function upperGamma(a: number, x: number): number {
  let b = x + 1 - a
  let c = 1e300
  let d = 1 / b
  let fraction = d
  for (let n = 1; n < 10_000; n++) {
    const step = -n * (n - a)
    b += 2
    d = 1 / (step * d + b)
    c = b + step / c
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return fraction * Math.exp(a * Math.log(x) - x - logGamma(a))
}

/** Probability that a chi-square variable with `df` degrees of freedom is at least `x`. */
export function chiSquareP(x: number, df: number): number {
  if (x <= 0) return 1
  if (x === Infinity) return 0
  const [a, half] = [df / 2, x / 2]
  return half < a + 1 ? 1 - lowerGamma(a, half) : upperGamma(a, half)
}
