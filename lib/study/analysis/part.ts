import { meanByArticle } from '../../statistics/estimates.js'
import type { Part } from './analysis-entry.js'
import { byName, byNumber, correlation } from './bins.js'
import type { Opened, Samples } from './samples.js'

/** Most categories and articles that are listed. */
const MOST = { categories: 20, articles: 400 } as const
/** Fewest windows of a listed category. */
const LEAST = 20

const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length

/** Returns the id of a window's article; null without article ids. */
export const articleId = ({ base, windows }: Opened, id: number): string | null =>
  base.articles?.ids[windows.article[id]!] ?? null

/** Breaks the cosine down by length, position, article, category and similarity. */
export async function partOf(path: string, rows: Opened, s: Samples, seed: number): Promise<Part> {
  const { base, ids, windows } = rows
  const articles = ids.map((id) => windows.article[id]!)
  const { mean: cosine, n, articles: count, ci95 } = await meanByArticle(s.cosine, articles, { seed })
  const named = (names: (i: number) => readonly string[], most: number, least?: number) =>
    byName(names, s.cosine, articles, { seed, most, ...(least !== undefined && { least }) })
  const article = (i: number) => articleId(rows, ids[i]!) ?? '–'
  const { similarity } = s
  return {
    path,
    n,
    articles: count,
    cosine: { mean: cosine, ci95 },
    mse: mean(s.mse),
    by_length: await byNumber(s.length, s.cosine, articles, seed),
    by_position: await byNumber(s.position, s.cosine, articles, seed),
    by_article: await named((i) => [article(i)], MOST.articles),
    by_category:
      base.categories === undefined || base.categories.size === 0
        ? null
        : await named((i) => base.categories!.get(article(i)) ?? ['no category'], MOST.categories, LEAST),
    by_similarity: similarity && (await byNumber(similarity, s.cosine, articles, seed)),
    similarity_correlation: similarity && correlation(similarity, s.cosine),
  }
}
