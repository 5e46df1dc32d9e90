import type { Interval } from '../../evaluate/metrics.js'
import { meanByArticle, quantile } from '../../statistics/estimates.js'
import { extremes } from '../../statistics/extremes.js'

/** A group of windows and the mean cosine of their predictions. */
export interface Bin {
  readonly label: string
  /** Smallest number in the bin; `to` is the largest. Null for bins of names. */
  readonly from: number | null
  readonly to: number | null
  readonly n: number
  readonly articles: number
  readonly cosine: { readonly mean: number; readonly ci95: Interval }
}

const BINS = 5

async function bin(
  label: string,
  cosines: Float64Array,
  articles: Int32Array,
  keep: readonly number[],
  limits: [number, number] | null,
  seed: number,
): Promise<Bin> {
  const {
    mean,
    n,
    articles: count,
    ci95,
  } = await meanByArticle(
    Float64Array.from(keep, (i) => cosines[i]!),
    Int32Array.from(keep, (i) => articles[i]!),
    { seed },
  )
  return { label, from: limits?.[0] ?? null, to: limits?.[1] ?? null, n, articles: count, cosine: { mean, ci95 } }
}

const short = (x: number) => (Number.isInteger(x) ? String(x) : x.toFixed(2).replace(/^(-?)0\./, '$1.'))

/** Returns five bins of equally many windows, fewer when numbers repeat. Shapes: one entry for each window in all arrays. */
export async function byNumber(values: Float64Array, cosines: Float64Array, articles: Int32Array, seed: number): Promise<Bin[]> {
  const sorted = values.toSorted()
  const edges = [...new Set(Array.from({ length: BINS - 1 }, (_, i) => quantile(sorted, (i + 1) / BINS)))]
  const groups = Array.from({ length: edges.length + 1 }, () => [] as number[])
  for (const [i, value] of values.entries()) groups[edges.filter((edge) => value > edge).length]!.push(i)
  const bins: Bin[] = []
  for (const keep of groups.filter((group) => group.length > 0)) {
    const { least, most } = extremes(keep.map((i) => values[i]!))
    const limits: [number, number] = [least, most]
    bins.push(await bin(`${short(limits[0])} – ${short(limits[1])}`, cosines, articles, keep, limits, seed))
  }
  return bins
}

/** Returns one bin for each name, the most common first, `most` at the most; a window may have several names. */
export async function byName(
  names: (i: number) => readonly string[],
  cosines: Float64Array,
  articles: Int32Array,
  o: { seed: number; most: number; least?: number },
): Promise<Bin[]> {
  const groups = new Map<string, number[]>()
  for (let i = 0; i < cosines.length; i++) {
    for (const name of names(i)) {
      if (!groups.has(name)) groups.set(name, [])
      groups.get(name)!.push(i)
    }
  }
  const common = [...groups].filter(([, keep]) => keep.length >= (o.least ?? 1)).sort((a, b) => b[1].length - a[1].length)
  const bins: Bin[] = []
  for (const [name, keep] of common.slice(0, o.most)) bins.push(await bin(name, cosines, articles, keep, null, o.seed))
  return bins
}

/** Returns Pearson's correlation; 0 when one of the two varies by no more than round-off. */
export function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (v: Float64Array) => v.reduce((x, y) => x + y, 0) / v.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb)
    aa += (a[i]! - ma) ** 2
    bb += (b[i]! - mb) ** 2
  }
  const varies = (square: number, m: number) => square > a.length * (Number.EPSILON * a.length * m) ** 2
  return varies(aa, ma) && varies(bb, mb) ? ab / Math.sqrt(aa * bb) : 0
}
