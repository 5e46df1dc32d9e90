/** ln Γ(x). Source: Lanczos 1964, g = 7, n = 9. */
export function logGamma(x: number): number {
  const c = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ]
  const t = x + 6.5
  const sum = c.reduce((a, value, i) => (i === 0 ? value : a + value / (x - 1 + i)), 0)
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Regularised incomplete beta function I_x(a, b) by its continued fraction. Source: Lentz's method, Numerical Recipes §6.4. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x)) / a
  const safe = (v: number) => (Math.abs(v) < 1e-300 ? 1e-300 : v)
  let [c, d] = [1, 1 / safe(1 - ((a + b) * x) / (a + 1))]
  let fraction = d
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / safe(1 + even * d)
    c = safe(1 + even / c)
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / safe(1 + odd * d)
    c = safe(1 + odd / c)
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-14) break
  }
  return front * fraction
}

/** Two-sided p value of Student's t with `df` degrees of freedom. */
export const studentP = (t: number, df: number): number => incompleteBeta(df / (df + t * t), df / 2, 0.5)

/** Critical value of Student's t for a two-sided probability of `p`. */
export function studentLimit(p: number, df: number): number {
  let [low, high] = [0, 1]
  while (studentP(high, df) > p) high *= 2
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (studentP(middle, df) > p) low = middle
    else high = middle
  }
  return high
}
