import { studentLimit } from '../statistics/student.js'

/** Mean over seeds with a 95 % interval of Student's t; none for a single seed. */
export interface SeedMean {
  readonly n: number
  readonly mean: number
  readonly sd: number | null
  readonly ci95: readonly [number, number] | null
}

/** Two-sided level of intervals and comparisons. */
const LEVEL = 0.05

/** Mean and interval of the values of seeds. */
export function seedMean(values: readonly number[]): SeedMean {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  if (n < 2) return { n, mean, sd: null, ci95: null }
  const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1))
  const half = (studentLimit(LEVEL, n - 1) * sd) / Math.sqrt(n)
  return { n, mean, sd, ci95: [mean - half, mean + half] }
}
