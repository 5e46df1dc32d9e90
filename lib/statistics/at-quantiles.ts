/**
 * Returns the indices of `most` values at evenly spaced quantiles, the lowest value first; all indices when there are no more.
 *
 * The quantiles of ten are .05, .15, … .95; equal values are ordered by index.
 */
export function atQuantiles(values: Float64Array, most: number): Int32Array {
  const order = Int32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b)
  const n = order.length
  if (most >= n) return order
  return Int32Array.from({ length: most }, (_, i) => order[Math.floor(((i + 0.5) * n) / most)]!)
}
