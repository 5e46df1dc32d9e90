const ERROR = 0.05

/** A difference that may be read at any time, and as often as wanted. */
export interface SequentialTest {
  readonly difference: number
  readonly se: number
  /** Contains the true difference at all times at once with a probability of 95 %. */
  readonly ci95: readonly [number, number]
  /** Valid at any time; at most .05 exactly when `ci95` excludes 0, before the correction for several arms. */
  readonly p: number
}

/**
 * Confidence sequence of a difference with an asymptotically normal estimate, for `arms` comparisons at once (Bonferroni).
 *
 * With the information I = 1/se² and a normal mixture of true differences with standard deviation `effect`, the likelihood ratio against 0 is
 * (1 + I·effect²)^(−1/2) · exp(I²·effect²·difference² / (2 (1 + I·effect²))); it passes 1/α at any time with a probability of at most α.
 * Standard errors over clients keep that rate when a client returns: observations of one client that agree make the estimates of two times
 * more alike than a martingale's, and by Slepian's inequality a process with larger correlations crosses a boundary less often.
 * Source: Robbins 1970 (mixture); Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024, Time-uniform central limit theory; Johari et al. 2022.
 */
export function sequentialTest(difference: number, se: number, effect: number, arms = 1): SequentialTest {
  const spread = (effect / se) ** 2 // I·effect²
  const bound = se * Math.sqrt((1 + 1 / spread) * (2 * Math.log(arms / ERROR) + Math.log1p(spread)))
  const logRatio = (spread / (1 + spread)) * (difference / se) ** 2 * 0.5 - 0.5 * Math.log1p(spread)
  return { difference, se, ci95: [difference - bound, difference + bound], p: Math.min(1, Math.exp(-logRatio)) }
}
