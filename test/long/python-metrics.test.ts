import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findLibtorch } from '../../lib/libtorch/find.js'
import { done, runPython, shared, workFolder } from './python.js'

const WIKI = shared('wiki42113.npy')
const INAUGURAL = shared('inaugural.npy')
const work = workFolder()
/** A cache of its own, so that no baselines of an earlier day are read back. */
const fresh = { LVM_TORCH_CACHE: join(work, 'cache'), LVM_TORCH_LIBTORCH: findLibtorch().path }
const BASELINES = ['context_mean', 'copy_last', 'exponential_mean', 'mean_vector', 'ridge']

/** Every number of `want` is in `got`, within 1e-6. */
function expectNear(got: unknown, want: unknown, path: string): void {
  if (typeof want === 'number') {
    expect(got, path).toBeTypeOf('number')
    expect(Math.abs((got as number) - want), `${path}: ${got} for ${want}`).toBeLessThan(1e-6)
  } else if (typeof want === 'object' && want !== null) {
    for (const [key, value] of Object.entries(want)) expectNear((got as Record<string, unknown>)[key], value, `${path}.${key}`)
  } else expect(got, path).toEqual(want)
}

/** Evaluates and predicts, each with its own thread count, and compares with Python. */
async function expectReference(run: string, args: readonly (string | number)[], data = WIKI, threads = [2, 1]): Promise<void> {
  const out = join(work, `${run}-evaluation-${args.join('')}`)
  const predictions = join(out, 'predictions.npy')
  const [first, second] = threads.map((count) => ['--threads', count]) as [(string | number)[], (string | number)[]]
  const { runs } = await done(work, ['evaluate', run, '--latency', 0, '--out', out, ...args, ...first], fresh)
  await done(work, ['predict', run, '--out', predictions, ...args, ...second], fresh)
  const results = join(out, 'validation_results.json')
  const folder = join(work, 'artifacts/lvm/models', run)
  expectNear(runs[0], await runPython('reference_metrics.py', folder, predictions, data, results), run)
}

const training = ['--preset', 'tiny', '--data', WIKI, '--train-eval', 64, '--seed', 5]
beforeAll(async () => {
  const wide = ['--max-windows', 6000, '--recipe', 'strong', '--max-steps', 90, '--name', 'wide']
  await done(work, ['train', 'lstm', ...training, ...wide])
  const small = ['--max-windows', 1500, '--input-scale', 'sqrt_dim', '--context', 4, '--max-steps', 40, '--name', 'small']
  await done(work, ['train', 'gru', ...training, ...small])
})

describe('evaluate says what numpy says in float64', () => {
  it('on the validation rows, every baseline fitted', async () => {
    await expectReference('wide', [])
  })
  it('with fewer windows than inputs, on another number of threads', async () => {
    await expectReference('small', [], WIKI, [1, 2])
  })
  it('on all rows', async () => {
    await expectReference('small', ['--rows', 'all'])
  })
  it('on the training rows', async () => {
    await expectReference('small', ['--rows', 'train'])
  })
  it('on text of another kind, where nothing may be fitted', async () => {
    await expectReference('wide', ['--data', INAUGURAL], INAUGURAL)
    await expectReference('small', ['--data', INAUGURAL], INAUGURAL, [1, 2])
  })
  it('and judges all five baselines where there is training data, and two where there is none', async () => {
    const named = async (...args: string[]) => {
      const { runs } = await done(work, ['evaluate', 'small', '--latency', 0, '--out', join(work, 'named'), ...args], fresh)
      return Object.keys(runs[0].baselines).sort()
    }
    expect(await named()).toEqual(BASELINES)
    expect(await named('--data', INAUGURAL)).toEqual(['context_mean', 'copy_last'])
  })
})
