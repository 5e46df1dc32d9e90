import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { done, runPython, shared, workFolder } from './python.js'

const WIKI = shared('wiki42113.npy')
const work = workFolder()
beforeAll(async () => {
  const training = ['--data', WIKI, '--preset', 'tiny', '--recipe', 'strong', '--max-windows', 8000, '--max-steps', 120]
  await done(work, ['train', 'lstm', ...training, '--context', 5, '--name', 'windows'])
  await done(work, ['train', 'lstm', ...training, '--name', 'articles'])
})

interface Reference {
  scores: Record<string, Record<string, Record<string, number>>>
  failed: number
  difference: number
  p: number
}

it.each(['windows', 'articles'])('retrieve and compare agree with numpy in float64: %s', async (name) => {
  const run = join(work, 'artifacts/lvm/models', name)
  const { runs } = await done(work, ['retrieve', name])
  const { comparisons } = await done(work, ['compare', name, 'copy_last'])
  const predictions = join(work, `${name}.npy`)
  await done(work, ['predict', name, '--out', predictions])
  const want = await runPython<Reference>('reference_retrieval.py', run, predictions, WIKI)
  const [entry] = runs
  const got: Record<string, typeof entry.scores> = {
    model: entry.scores,
    copy_last: entry.baselines.copy_last.scores,
    context_mean: entry.baselines.context_mean.scores,
  }
  for (const pool of ['with_context', 'without_context']) {
    expect(entry.oracle.top1[pool]).toBe(want.scores.oracle![pool]!.top1)
    for (const [query, scores] of Object.entries(got)) {
      // Predictions are unit vectors and means are computed in float32, so the ranks of two nearly equal rows may swap.
      const near = query === 'copy_last' ? 1e-12 : 2 / entry.n
      for (const [score, value] of Object.entries(want.scores[query]![pool]!))
        expect(Math.abs(scores[pool][score].value - value), `${query} ${pool} ${score}`).toBeLessThan(
          score === 'median_rank' ? 1.01 : near,
        )
    }
  }
  expect(Math.abs(entry.failed - want.failed)).toBeLessThanOrEqual(2)
  const { top10 } = comparisons[0].pairs[0]
  expect(Math.abs(top10.difference - want.difference)).toBeLessThan(2 / entry.n)
  expect(Math.abs(top10.p - want.p)).toBeLessThan(0.02)
})
