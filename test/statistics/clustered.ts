import { meanByArticle } from '../../lib/statistics/estimates.js'
import { randomIndex } from '../../lib/statistics/random-index.js'

/** Windows per article (context 5) of 285 Wikipedia articles of a real corpus. */
// biome-ignore format: one long list
export const REAL_SIZES = [3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 7, 8, 8, 9, 9, 9, 10, 10, 10, 12, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 16, 17, 18, 18, 18, 19, 19, 20, 20, 20, 20, 20, 21, 21, 22, 23, 23, 23, 24, 24, 24, 25, 25, 25, 25, 26, 26, 27, 28, 28, 30, 30, 30, 30, 31, 31, 32, 33, 33, 33, 34, 34, 34, 35, 35, 36, 37, 37, 38, 40, 40, 41, 41, 41, 41, 41, 43, 43, 43, 44, 44, 46, 46, 47, 47, 47, 47, 48, 48, 48, 48, 48, 50, 51, 52, 53, 53, 54, 54, 54, 54, 54, 56, 57, 58, 58, 60, 60, 61, 62, 62, 62, 62, 64, 64, 64, 65, 66, 69, 70, 72, 74, 75, 75, 76, 78, 81, 81, 82, 82, 83, 84, 84, 86, 87, 88, 90, 90, 92, 93, 93, 94, 94, 95, 95, 99, 100, 100, 102, 104, 105, 106, 106, 108, 112, 118, 122, 124, 124, 125, 128, 129, 130, 131, 135, 135, 139, 140, 140, 142, 143, 145, 145, 146, 148, 150, 153, 154, 156, 158, 158, 158, 158, 165, 168, 170, 170, 170, 171, 174, 174, 178, 178, 181, 193, 195, 197, 199, 205, 206, 208, 213, 216, 216, 217, 218, 222, 224, 227, 227, 235, 247, 248, 250, 253, 258, 259, 262, 264, 270, 272, 274, 277, 282, 286, 288, 291, 306, 309, 312, 313, 319, 324, 336, 337, 340, 343, 348, 352, 355, 356, 357, 366, 400, 411, 415, 415, 420, 421, 423, 423, 429, 432, 445, 455, 455, 459, 467, 471, 477, 489, 526, 536, 548, 557, 574, 599, 663, 676, 735, 829]

/** A seeded stream of normal deviates. */
export function gaussian(seed: number): () => number {
  const draw = randomIndex(seed)
  const uniform = () => (draw(2 ** 32) + 0.5) / 2 ** 32
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** Windows whose values share an effect of their article; the expected value is 0. */
export function clustered(sizes: readonly number[], gauss: () => number): { values: Float64Array; articles: Int32Array } {
  const values: number[] = []
  const articles: number[] = []
  sizes.forEach((size, article) => {
    const effect = 0.08 * gauss()
    for (let i = 0; i < size; i++) {
      values.push(effect + 0.15 * gauss())
      articles.push(article)
    }
  })
  return { values: Float64Array.from(values), articles: Int32Array.from(articles) }
}

/** Coverage of the interval over samples of articles with real lengths. */
export async function coverage(o: {
  articles: number
  samples: number
  resamples: number
  seed: number
  sizes?: readonly number[]
}): Promise<number> {
  const draw = randomIndex(o.seed)
  const gauss = gaussian(o.seed + 1)
  const all = o.sizes ?? REAL_SIZES
  let covered = 0
  for (let s = 0; s < o.samples; s++) {
    const sizes = Array.from({ length: o.articles }, () => all[draw(all.length)]!)
    const { values, articles } = clustered(sizes, gauss)
    const { ci95 } = await meanByArticle(values, articles, { seed: s, resamples: o.resamples })
    if (ci95![0] <= 0 && 0 <= ci95![1]) covered++
  }
  return covered / o.samples
}
