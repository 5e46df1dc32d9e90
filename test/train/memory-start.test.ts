import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { meanCosine, sparse } from '../../lib/baselines/baselines-rows.js'
import { applyMixture, fitMixture } from '../../lib/baselines/memories.js'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { makeWindows } from '../../lib/data/windows.js'
import { historyOf, place, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('memory', { articles: 20, length: 30 })
})
/** Cosine of the mixture fitted on the training windows, on the validation windows of the split that a training makes. */
async function cosineOfMixture(history: '8' | 'article', means: number): Promise<number> {
  const base = await openBase(data)
  const windows = makeWindows(base, { context: 5, history: history === 'article' ? history : Number(history), minHistory: 5 })
  const split = splitWindows(windows, base, { mode: 'articles', seed: 0, test: 0 })
  const mixture = await fitMixture(sparse({ base, windows, ids: split.train }), means)
  const val = { base, windows, ids: split.val }
  return meanCosine(val, (ids) => applyMixture(mixture, val, ids))
}

describe('a residual of memory', () => {
  it.each([
    { history: 'article', memories: 6, objective: 'last' },
    { history: 'article', memories: 3, objective: 'sequence' },
    { history: '8', memories: 1, objective: 'last' },
    { history: 'article', memories: 40, objective: 'last' },
  ] as const)(
    'an untrained model predicts the fitted mixture of $memories means, with history $history and objective $objective',
    async (o) => {
      const name = `${o.history}-${o.memories}-${o.objective}`
      const out = place('started')
      const steps = { epochs: 1, maxSteps: 1, lr: 1e-12, minHistory: 5, threads: 1 }
      await trained({ model: 'gru', data, out, name, preset: 'tiny', residual: 'memory', ...o, ...steps })
      const [epoch] = historyOf(join(out, name)).history
      expect(epoch!.val_cosine).toBeCloseTo(await cosineOfMixture(o.history, o.memories), 5)
    },
  )
})
