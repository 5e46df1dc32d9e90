import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../../lib/native.js'
import type { Analysis } from '../../../lib/study/analysis/analysis-entry.js'
import { analyze } from '../../../lib/study/analysis/analyze.js'
import { byName, byNumber, correlation } from '../../../lib/study/analysis/bins.js'
import { assign, clusters } from '../../../lib/study/analysis/clusters.js'
import { tsne, umap } from '../../../lib/study/analysis/project.js'
import { Tensor } from '../../../lib/torch/tensor.js'
import { train } from '../../../lib/train/train.js'
import { gaussian } from '../../statistics/clustered.js'

const out = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lvm-analysis-'))
beforeAll(() => native.setThreads(1))
afterAll(() => rmSync(out, { recursive: true, force: true }))

/** Makes unit vectors around k directions, in turn. */
function clustered(n: number, k: number, dim: number, seed = 1): Float32Array {
  const gauss = gaussian(seed)
  const centres = Array.from({ length: k }, () => Array.from({ length: dim }, gauss))
  return Float32Array.from(
    Array.from({ length: n }, (_, i) => {
      const v = centres[i % k]!.map((m) => m + 0.2 * gauss())
      return v.map((x) => x / Math.hypot(...v))
    }).flat(),
  )
}
/** Returns the share of points whose nearest neighbour is in the same cluster. */
function together(places: Float64Array, k: number): number {
  const n = places.length / 2
  let right = 0
  for (let i = 0; i < n; i++) {
    let best = { j: -1, d: Infinity }
    for (let j = 0; j < n; j++) {
      const d = (places[2 * i]! - places[2 * j]!) ** 2 + (places[2 * i + 1]! - places[2 * j + 1]!) ** 2
      if (j !== i && d < best.d) best = { j, d }
    }
    if (best.j % k === i % k) right++
  }
  return right / n
}

describe('clusters', () => {
  it('k-means finds well-separated clusters and is reproducible', async () => {
    using x = Tensor.from(clustered(90, 3, 12), [90, 12])
    using centres = await clusters(x, 3, 5)
    const { of } = await assign(x, centres)
    expect(new Set(of).size).toBe(3)
    of.forEach((cluster, i) => {
      expect(cluster).toBe(of[i % 3])
    })
    using again = await clusters(x, 3, 5)
    expect(await again.data()).toEqual(await centres.data())
  })
})

describe('bins', () => {
  const cosines = Float64Array.from({ length: 100 }, (_, i) => i / 100)
  const articles = Int32Array.from({ length: 100 }, (_, i) => i % 25)
  it('number bins have equally many windows and include all', async () => {
    const bins = await byNumber(cosines, cosines, articles, 0)
    expect(bins.map(({ n }) => n)).toEqual([20, 20, 20, 20, 20])
    expect(bins[0]!.cosine.mean).toBeCloseTo(0.095, 12)
    expect(bins.map(({ from }) => from)).toEqual([0, 0.2, 0.4, 0.6, 0.8])
  })
  it('number bins are fewer when numbers repeat', async () => {
    const bins = await byNumber(new Float64Array(100).fill(3), cosines, articles, 0)
    expect(bins).toMatchObject([{ n: 100, articles: 25, from: 3, to: 3 }])
    expect(bins[0]!.cosine.ci95![0]).toBeLessThan(bins[0]!.cosine.mean)
  })
  it('name bins list the most common name first and leave out small bins', async () => {
    const names = (i: number) => (i < 60 ? ['a', 'b'] : i < 70 ? ['b'] : ['c'])
    const bins = await byName(names, cosines, articles, { seed: 0, most: 2, least: 40 })
    expect(bins.map(({ label, n }) => [label, n])).toEqual([
      ['b', 70],
      ['a', 60],
    ])
  })
  it('correlation is Pearsons, and 0 for a constant', () => {
    expect(correlation(cosines, cosines)).toBeCloseTo(1, 12)
    expect(correlation(cosines, new Float64Array(100))).toBe(0)
  })
})

describe('a plane', () => {
  it.each(['tsne', 'umap'] as const)('the projection by %s keeps clusters together and is reproducible', async (method) => {
    using x = Tensor.from(clustered(120, 4, 10), [120, 10])
    const lay = () => (method === 'tsne' ? tsne(x, { perplexity: 10, iterations: 400 }) : umap(x, 3))
    const first = await lay()
    expect(first.places.length).toBe(240)
    expect(together(first.places, 4)).toBeGreaterThan(0.98)
    expect((await lay()).places).toEqual(first.places)
  })
  it('t-SNE does not depend on the number of threads', async () => {
    using x = Tensor.from(clustered(150, 4, 10), [150, 10])
    const one = await tsne(x, { iterations: 60 })
    native.setThreads(2)
    const two = await tsne(x, { iterations: 60 })
    native.setThreads(1)
    expect(two.places).toEqual(one.places)
  })
  it('t-SNE refuses fewer than four points', async () => {
    using x = Tensor.from(clustered(3, 3, 4), [3, 4])
    await expect(tsne(x)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})

describe('analyze', () => {
  let entry: Analysis
  const run = join(out, 'run')
  const asked = { run, points: 20, clusters: 4, threads: 1, out: join(out, 'reports'), ood: 'data/sample/factbook' }
  beforeAll(async () => {
    for await (const _ of train({
      model: 'lstm',
      data: 'data/sample/factbook',
      preset: 'tiny',
      maxSteps: 3,
      epochs: 1,
      threads: 1,
      name: 'run',
      out,
    })) {
    }
    entry = (await analyze(asked)).runs[0]!
  }, 120_000)

  it('analyze counts every window once', () => {
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
    expect(sum(entry.confusion.flat())).toBe(entry.n)
    for (const bins of [entry.by_length, entry.by_position, entry.by_article, entry.by_similarity!])
      expect(sum(bins.map(({ n }) => n))).toBe(entry.n)
    expect(sum(entry.clusters.map(({ n }) => n))).toBe(entry.n)
    for (const [i, { n }] of entry.clusters.entries()) expect(sum(entry.confusion[i]!)).toBe(n)
  })
  it('analyze names clusters and windows by their texts', () => {
    for (const { name, texts } of entry.clusters) expect([texts.length, name.slice(0, 5)]).toEqual([3, texts[0]!.slice(0, 5)])
    expect(entry.best[0]!.cosine).toBeGreaterThan(entry.worst[0]!.cosine)
    const sorted = entry.worst.map(({ cosine }) => cosine)
    expect(sorted).toEqual(sorted.toSorted((a, b) => a - b))
    for (const { target, context, predicted, title } of [...entry.best, ...entry.worst])
      for (const text of [target, context, predicted, title]) expect(text).toMatch(/\w/)
  })
  it('analyze writes one CSV line for each window, with coordinates for the projected ones', () => {
    const [head, ...lines] = readFileSync(join(asked.out, entry.csv), 'utf8').trim().split('\n')
    const columns = head!.split(',')
    const rows = lines.map((line) => Object.fromEntries(line.split(',').map((value, i) => [columns[i], value])))
    const judged = rows.filter(({ set }) => set === 'judged')
    expect(judged.length).toBe(entry.n)
    expect(rows.length - judged.length).toBe(entry.ood!.n)
    expect(judged.filter(({ x, y, predicted_x }) => x !== '' && y !== '' && predicted_x !== '').length).toBe(20)
    const mean = judged.reduce((sum, { cosine }) => sum + Number(cosine), 0) / judged.length
    expect(mean).toBeCloseTo(entry.cosine.mean, 7)
  })
  it('analyze refuses wrong options', async () => {
    await expect(analyze({ ...asked, projection: 'pca' as 'tsne' })).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await expect(analyze({ ...asked, run: join(out, 'none') })).rejects.toMatchObject({ code: 'RUN_MISSING' })
    await expect(analyze({ ...asked, ood: join(out, 'none') })).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })
})
