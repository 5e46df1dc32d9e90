import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type AdaptiveMixture, fitAdaptiveMixture } from '../../lib/baselines/adaptive-mixture.js'
import { meanCosine, type Rows, sparse } from '../../lib/baselines/baselines-rows.js'
import { exponentialMeans, fitMixture } from '../../lib/baselines/memories.js'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { lengthOf, makeWindows } from '../../lib/data/windows.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { fitFinding } from '../../lib/train/finding-queries.js'
import { historyOf, place, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('memory', { articles: 20, length: 30 })
})
/** Predictions of a mixture whose weights adapt, by its definition. Shapes: [n, dim]. */
async function adapted({ decays, weights, summary }: AdaptiveMixture, rows: Rows, ids: Int32Array): Promise<Tensor> {
  const { dim } = rows.windows
  const k = decays.length
  using read = await exponentialMeans(rows, ids, decays)
  const means = (await read.data()) as Float32Array
  const out = new Float32Array(ids.length * dim)
  for (const [n, id] of ids.entries()) {
    const m = decays.map((_, i) => means.subarray((n * k + i) * dim, (n * k + i + 1) * dim))
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    const count = lengthOf(rows.windows, id)
    const totals = decays.map((decay) => Array.from({ length: count }, (_, age) => decay ** age).reduce((a, b) => a + b))
    const norms = m.map((mean) => Math.sqrt(dot(mean, mean)))
    const cosines = m.flatMap((a, i) => m.slice(i + 1).map((b, j) => dot(a, b) / (norms[i]! * norms[i + 1 + j]!)))
    const z = [...totals.map(Math.log), ...norms, ...cosines]
    for (const [i, mean] of m.entries()) {
      const weight = weights[i]! + z.reduce((sum, value, j) => sum + value * summary[i]![j]!, 0)
      for (let c = 0; c < dim; c++) out[n * dim + c]! += weight * mean[c]!
    }
  }
  return Tensor.from(out, [ids.length, dim])
}

/** The mixture fitted on the training windows of the split that a training makes, and its cosine on the validation windows. */
async function fittedOn(history: '8' | 'article', means: number) {
  const base = await openBase(data)
  const windows = makeWindows(base, { context: 5, history: history === 'article' ? history : Number(history), minHistory: 5 })
  const split = splitWindows(windows, base, { mode: 'articles', seed: 0, test: 0 })
  const train = { base, windows, ids: split.train }
  const constant = await fitMixture(sparse(train), means)
  const mixture = await fitAdaptiveMixture(train, constant)
  const val = { base, windows, ids: split.val }
  return { constant, mixture, train, val, cosine: await meanCosine(val, (ids) => adapted(mixture, val, ids)) }
}

describe('a residual of memory', () => {
  it.each([
    { history: 'article', memories: 6, objective: 'last', adapts: true },
    { history: 'article', memories: 3, objective: 'sequence', adapts: true },
    { history: '8', memories: 1, objective: 'last', adapts: true },
    { history: '8', memories: 12, objective: 'last', adapts: true }, // 8 of 12 are fitted
    { history: 'article', memories: 40, objective: 'last', adapts: false },
  ] as const)(
    'an untrained model predicts the fitted mixture of $memories means, with history $history and objective $objective',
    async ({ adapts, ...o }) => {
      const name = `${o.history}-${o.memories}-${o.objective}`
      const out = place('started')
      const steps = { epochs: 1, maxSteps: 1, lr: 1e-12, minHistory: 5, threads: 1 }
      await trained({ model: 'gru', data, out, name, preset: 'tiny', residual: 'memory', ...o, ...steps })
      const [epoch] = historyOf(join(out, name)).history
      const { mixture, cosine } = await fittedOn(o.history, o.memories)
      expect(epoch!.val_cosine).toBeCloseTo(cosine, 5)
      expect(mixture.summary.some((of) => of.some((value) => value !== 0))).toBe(adapts)
    },
  )
})

it('with fewer than five articles the weights of a mixture stay constant', async () => {
  const { constant, train } = await fittedOn('article', 3)
  const few = train.ids.filter((id) => train.windows.article[id]! < 4)
  const { weights, summary } = await fitAdaptiveMixture({ ...train, ids: few }, constant)
  expect(weights).toEqual(constant.weights)
  expect(summary.flatMap((of) => [...of]).every((value) => value === 0)).toBe(true)
})

it('an untrained model with the contrastive loss predicts the whitened query that finds most', async () => {
  const out = place('finding')
  const o = {
    history: 'article',
    objective: 'sequence',
    loss: 'contrastive',
    memories: 3,
    epochs: 1,
    maxSteps: 1,
    lr: 1e-12,
  } as const
  await trained({ model: 'gru', data, out, name: 'found', preset: 'tiny', residual: 'memory', minHistory: 5, threads: 1, ...o })
  const { train, val } = await fittedOn('article', 3)
  const [near, whitened] = await fitFinding(train)
  const cosine = await meanCosine(val, (ids) => whitened.predict(val, ids))
  near.dispose()
  whitened.dispose()
  expect(historyOf(join(out, 'found')).history[0]!.val_cosine).toBeCloseTo(cosine, 5)
})
