import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findLibtorch } from '../../lib/libtorch/find.js'
import { done, runPython, shared, workFolder } from './python.js'

const WIKI = shared('wiki42113.npy')
const INAUGURAL = shared('inaugural.npy')
const work = workFolder()
/** An own cache, so that no cached baselines are read. */
const fresh = { LVM_TORCH_CACHE: join(work, 'cache'), LVM_TORCH_LIBTORCH: findLibtorch().path }
const BASELINES = ['context_mean', 'copy_last', 'exponential_mean', 'exponential_mixture', 'mean_vector', 'ridge']

/** Checks that every number of `want` is in `got`, within 1e-6. */
function expectNear(got: unknown, want: unknown, path: string): void {
  if (typeof want === 'number') {
    expect(got, path).toBeTypeOf('number')
    expect(Math.abs((got as number) - want), `${path}: ${got} for ${want}`).toBeLessThan(1e-6)
  } else if (typeof want === 'object' && want !== null) {
    for (const [key, value] of Object.entries(want)) expectNear((got as Record<string, unknown>)[key], value, `${path}.${key}`)
  } else expect(got, path).toEqual(want)
}

let count = 0
/** Evaluates and predicts, each with its own thread count, compares with Python, and returns the names of the baselines. */
async function compared(run: string, args: readonly (string | number)[], data: string, threads: readonly [number, number]) {
  const out = join(work, `evaluation-${++count}`)
  const predictions = join(out, 'predictions.npy')
  const common = ['--data', data, ...args]
  const options = ['--latency', 0, '--out', out, '--threads', threads[0]]
  const { runs } = await done(work, ['evaluate', run, ...common, ...options], fresh)
  await done(work, ['predict', run, '--out', predictions, ...common, '--threads', threads[1]], fresh)
  const folder = join(work, 'artifacts/lvm/models', run)
  const results = join(out, 'validation_results.json')
  const { skill, ...want } = await runPython<{ skill: unknown }>('reference_metrics.py', folder, predictions, data, results)
  expectNear(runs[0], want, run)
  expectNear(runs[0].skill, args.includes('all') ? null : skill, 'skill') // no verdict on windows used for training
  return Object.keys(runs[0].baselines).sort()
}

const training = ['--preset', 'tiny', '--data', WIKI, '--train-eval', 64, '--seed', 5]
beforeAll(async () => {
  const wide = ['--max-windows', 6000, '--recipe', 'strong', '--context', 5, '--max-steps', 90, '--name', 'wide']
  await done(work, ['train', 'lstm', ...training, ...wide])
  const small = ['--max-windows', 1500, '--input-scale', 'sqrt_dim', '--context', 4, '--max-steps', 40, '--name', 'small']
  await done(work, ['train', 'gru', ...training, ...small])
})

describe('evaluate agrees with numpy in float64', () => {
  it('evaluate agrees with numpy on the validation rows, with every baseline fitted', async () => {
    expect(await compared('wide', [], WIKI, [2, 1])).toEqual(BASELINES)
  })
  it('evaluate agrees with numpy with fewer windows than inputs and another thread count', async () => {
    expect(await compared('small', [], WIKI, [1, 2])).toEqual(BASELINES)
  })
  it('evaluate agrees with numpy on all rows', async () => {
    expect(await compared('small', ['--rows', 'all'], WIKI, [2, 1])).toEqual(BASELINES)
  })
  it('evaluate agrees with numpy on another domain, where no baseline is fitted', async () => {
    expect(await compared('wide', [], INAUGURAL, [2, 1])).toEqual(['context_mean', 'copy_last'])
    expect(await compared('small', [], INAUGURAL, [1, 2])).toEqual(['context_mean', 'copy_last'])
  })
})
