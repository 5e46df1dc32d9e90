import type { Rows } from '../../baselines/baselines-rows.js'
import { take, targets } from '../../baselines/baselines-rows.js'
import type { Base } from '../../data/base.js'
import { stage } from '../../stages.js'
import { meanByArticle } from '../../statistics/estimates.js'
import { sampled } from '../../statistics/random.js'
import { call, type Tensor } from '../../torch/tensor.js'
import { unitVectors } from '../../torch/unit-vectors.js'
import type { Analysis, Cluster } from './analysis-entry.js'
import { assign, clusters } from './clusters.js'
import { articleId } from './part.js'
import type { Opened, Samples } from './samples.js'

/** Most vectors that the clusters are fitted on. */
const MOST = 20_000
const TEXTS = 3
const NAME = 60

export const cut = (text: string, length = NAME) => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > length
    ? `${line
        .slice(0, length - 1)
        .replace(/[\ud800-\udbff]$/, '')
        .trimEnd()}…`
    : line
}

/** Returns the rows of a base nearest to each centre. */
async function nearestToCentres(base: Base, centres: Tensor): Promise<number[][]> {
  const k = centres.shape[0]!
  const found = Array.from({ length: k }, () => [] as { row: number; cosine: number }[])
  const rows = Int32Array.from({ length: base.vectors.shape[0]! }, (_, i) => i)
  for (let at = 0; at < rows.length; at += 8192) {
    using raw = await take(base.vectors, rows.subarray(at, at + 8192))
    const made = await unitVectors(raw)
    using unit = made.unit
    made.norm.dispose()
    using transposed = await unit.op('aten::t')
    using products = await centres.op('aten::mm', transposed)
    const [most, place] = (await call('aten::topk', [products, Math.min(TEXTS, unit.shape[0]!)])) as [Tensor, Tensor]
    using best = most
    using index = place
    const [values, places] = [await best.data(), await index.data()]
    const count = values.length / k
    for (let i = 0; i < values.length; i++)
      found[Math.floor(i / count)]!.push({ row: at + Number(places[i]), cosine: Number(values[i]) })
  }
  return found.map((list) =>
    list
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, TEXTS)
      .map(({ row }) => row),
  )
}

/** Returns the most common values of a list. */
function commonest(values: readonly string[], most: number): string[] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, most)
    .map(([value]) => value)
}

/** Assigns targets and predictions to clusters, which are fitted on the training targets if these are known. */
export async function groupsOf(
  rows: Opened,
  s: Samples,
  o: { train: (Rows & { base: Base }) | undefined; texts: readonly string[] | undefined; k: number; seed: number },
): Promise<Pick<Analysis, 'clusters' | 'confusion' | 'agreement'> & { target: Int32Array; predicted: Int32Array }> {
  const from = o.train ?? rows
  using raw = await targets(from, sampled(from.ids, MOST, o.seed))
  const made = await unitVectors(raw)
  using unit = made.unit
  made.norm.dispose()
  const k = Math.min(o.k, unit.shape[0]!)
  using centres = await stage('k-means', () => clusters(unit, k, o.seed))
  const { of: target } = await assign(s.targets, centres)
  const { of: predicted } = await assign(s.predictions, centres)
  const confusion = Array.from({ length: k }, () => new Array<number>(k).fill(0))
  target.forEach((cluster, i) => {
    confusion[cluster]![predicted[i]!]!++
  })
  const named = o.texts === undefined ? undefined : await nearestToCentres(from.base, centres)
  const list: Cluster[] = []
  for (let id = 0; id < k; id++) {
    const keep = Int32Array.from(target.keys()).filter((i) => target[i] === id)
    const texts = (named?.[id] ?? []).flatMap((row) => o.texts?.[row] ?? [])
    const titles = Array.from(keep, (i) => {
      const article = articleId(rows, rows.ids[i]!)
      return article === null ? null : (rows.base.titles?.get(article) ?? article)
    })
    const judged =
      keep.length === 0
        ? undefined
        : await meanByArticle(
            Float64Array.from(keep, (i) => s.cosine[i]!),
            keep.map((i) => rows.windows.article[rows.ids[i]!]!),
            { seed: o.seed },
          )
    list.push({
      id,
      name: texts[0] === undefined ? `cluster ${id}` : cut(texts[0]),
      texts,
      titles: commonest(
        titles.filter((title) => title !== null),
        TEXTS,
      ),
      n: keep.length,
      articles: judged?.articles ?? 0,
      cosine: { mean: judged?.mean ?? 0, ci95: judged?.ci95 ?? null },
    })
  }
  const n = target.length
  const column = (j: number) => confusion.reduce((sum, row) => sum + row[j]!, 0)
  const value = confusion.reduce((sum, row, i) => sum + row[i]!, 0) / n
  const chance = list.reduce((sum, cluster, i) => sum + (cluster.n / n) * (column(i) / n), 0)
  return {
    clusters: list,
    confusion,
    agreement: { value, chance, kappa: chance < 1 ? (value - chance) / (1 - chance) : 0 },
    target,
    predicted,
  }
}
