import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openPt } from '../../lib/files/pt.js'
import { done, lvm, readJson, runPython, SAMPLE, workFolder } from './python.js'

const work = workFolder()
const file = (name: string) => join(work, `${name}.pt`)

/** Names of the files that write_states.py writes. */
const FILES = [
  'ordered-dict',
  'plain-dict',
  'checkpoint',
  'legacy',
  'double',
  'parameters',
  'data-parallel',
  'compiled',
  'transformer',
  'two-heads',
  'two-heads-namespace',
  'bfloat16',
  'float16',
  'shared-storage',
  'not-contiguous',
]
interface Found {
  model: string
  parameters: number
  metrics: { n: number; mse_raw: number; mse_unit: number; cosine: Record<string, number> }
}

/** The same values, numbers to six decimals: the two runs may multiply with different kernels, which each chose by timing. */
const nearly = (value: unknown): unknown => {
  if (typeof value === 'number') return expect.closeTo(value, 6)
  if (Array.isArray(value)) return value.map(nearly)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, nearly(item)]))
}

let found: Record<string, Found> = {}
beforeAll(async () => {
  const names = await runPython<string[]>('write_states.py', work, SAMPLE)
  expect(names).toEqual(FILES.toSorted())
  found = readJson(work, 'metrics.json')
})

describe('a state dict that Python saved is a run', () => {
  it.each(FILES)('the state dict %s of Python is imported as a run', async (name) => {
    const { model, parameters, metrics } = found[name]!
    const imported = await done(work, ['import', file(name), '--model', model, '--name', name])
    expect(imported).toMatchObject({ model, parameters })
    const { runs } = await done(work, ['evaluate', name, '--data', 'base.npy', '--latency', 0])
    const { n, mse_raw, mse_unit, cosine } = runs[0]
    expect(n).toBe(metrics.n)
    expect(Math.abs(mse_raw - metrics.mse_raw)).toBeLessThan(1e-6)
    expect(Math.abs(mse_unit - metrics.mse_unit)).toBeLessThan(1e-6)
    for (const [key, value] of Object.entries(metrics.cosine)) expect(Math.abs(cosine[key] - value), key).toBeLessThan(1e-6)
  })

  it('import keeps the figures of a checkpoint and names the parts that it leaves out', async () => {
    const { warnings } = await done(work, ['import', file('checkpoint'), '--model', 'gru', '--name', 'figures'])
    expect(warnings.join('\n')).toMatch(/Namespace/)
    const { value } = await openPt(join(work, 'artifacts/lvm/models/figures/best_model.pt'))
    const figures = value as Map<string, unknown>
    expect(['epoch', 'val_loss', 'val_cosine'].map((key) => figures.get(key))).toEqual([12, 0.000503, 0.7833])
  })

  it('import warns about every guessed value', async () => {
    const { warnings } = await done(work, ['import', file('bfloat16'), '--model', 'transformer', '--name', 'guessed'])
    expect(warnings.join('\n')).toMatch(/heads.*8/)
    const known = await done(work, ['import', file('two-heads'), '--model', 'transformer', '--name', 'known'])
    expect(known).toMatchObject({ warnings: [], options: { heads: 2 } })
  })

  it('our own checkpoints are imported as runs, trained with any options', async () => {
    const options = ['--input-scale', 'sqrt_dim', '--residual', 'mean', '--heads', 4, '--output', 'unit', '--context', 7]
    const training = ['--preset', 'tiny', '--data', SAMPLE, '--max-steps', 20, '--train-eval', 32, '--name', 'own']
    await done(work, ['train', 'transformer', ...training, ...options])
    const { space } = readJson(dirname(SAMPLE), 'factbook.card.json')
    await done(work, [
      'import',
      join(work, 'artifacts/lvm/models/own/best_model.pt'),
      '--model',
      'transformer',
      '--name',
      'again',
      '--space',
      space,
    ])
    const of = async (name: string) => {
      const { runs } = await done(work, ['evaluate', name, '--data', 'base.npy', '--space', space, '--latency', 0])
      const { run: _, train_seconds: __, tiers: ___, size: ____, weights_sha256: _____, ...rest } = runs[0]
      return rest
    }
    expect(await of('again')).toEqual(nearly(await of('own')))
  })
})

describe('a file that is no checkpoint of the model', () => {
  it.each([
    ['bad-missing', 'lstm', /2 are missing.*core\.lstm\.weight_ih_l0.*core\.lstm\.bias_hh_l1/],
    ['bad-unexpected', 'lstm', /2 unexpected.*core\.lstm\.extra.*decoder\.weight/],
    ['bad-shape', 'lstm', /1 of another shape.*core\.lstm\.weight_hh_l1: \[96, 23\] instead of \[96, 24\]/],
    ['bad-head', 'lstm', /head\.weight.*\[768\]/],
    ['bad-nan', 'lstm', /core\.lstm\.bias_ih_l0.*NaN/],
    ['bad-text', 'lstm', /1 are missing.*core\.lstm\.bias_ih_l0/],
    ['bad-list', 'lstm', /a dict of tensors/],
    ['bad-module', 'lstm', /__main__\.LSTMVectorPredictor.*nothing was run/],
    ['bad-evil', 'lstm', /(posix|os)\.system.*nothing was run/],
    ['bad-evil-legacy', 'lstm', /(posix|os)\.system.*nothing was run/],
    ['ordered-dict', 'gru', /missing.*core\.blocks\.0/],
    ['transformer', 'lstm', /missing.*unexpected/],
  ])('the file %s is refused as a checkpoint of %s with exit code 3, and leaves no run', async (name, model, message) => {
    const { status, json } = await lvm(work, ['import', file(name), '--model', model, '--name', `refused-${name}`])
    expect(json.at(-1)).toMatchObject({ type: 'error', message: expect.stringMatching(message) })
    expect(status).toBe(3)
    expect(existsSync(join(work, `artifacts/lvm/models/refused-${name}`))).toBe(false)
    expect(existsSync(join(work, 'was-run'))).toBe(false)
  })
})
