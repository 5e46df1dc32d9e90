/** Counts of values in bins of equal width; values outside the range count in the first or last bin. */
export interface Histogram {
  readonly from: number
  readonly to: number
  readonly counts: readonly number[]
}

export function histogram(values: Float64Array, from: number, to: number, bins: number): Histogram {
  const counts = new Array<number>(bins).fill(0)
  for (const value of values) {
    const bin = Math.floor(((value - from) / (to - from)) * bins)
    counts[Math.min(bins - 1, Math.max(0, Number.isFinite(bin) ? bin : 0))]! += 1
  }
  return { from, to, counts }
}
