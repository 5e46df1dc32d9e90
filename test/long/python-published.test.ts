import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { load, Tensor } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { openWeights } from '../../lib/weights/open-weights.js'
import { done, hasModule, readJson, runPython, SAMPLE, workFolder } from './python.js'

const work = workFolder()
const can = hasModule('transformers')
if (!can) process.stderr.write('\nSKIPPED: published weights; install transformers into the Python of the long suite\n\n')

/** Hidden states of a run's core, with an identity as its first layer. */
async function hiddenOf(run: string, x: Tensor): Promise<Float32Array> {
  using model = await load(run)
  const width = x.shape[2]!
  for (const { name, tensor } of native.modelState(model.native)) {
    using identity = Tensor.from(
      Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0)),
      [width, width],
    )
    if (name === 'in_proj.weight') await Tensor.wrap(tensor).op('aten::copy_', identity)
    if (name === 'in_proj.bias') await Tensor.wrap(tensor).op('aten::zero_')
  }
  using scaled = await x.op('aten::div', Math.sqrt(width)) // the model multiplies its inputs by √dim
  using target = Tensor.from(new Float32Array(x.shape[0]! * width), [x.shape[0]!, width])
  const seen = await native.modelExamine(model.native, scaled.native, target.native)
  return (await Tensor.wrap(seen['seen/core']!).data()) as Float32Array
}

/** Imports weights and compares their hidden states with those of Python. */
async function expectEqual(file: string, model: string, dim: number, ...more: string[]): Promise<void> {
  const name = file.replace('.pt', '')
  const { weights, warnings } = await done(work, [
    'import',
    file,
    '--model',
    model,
    '--name',
    `${name}-run`,
    '--dim',
    dim,
    ...more,
  ])
  expect(warnings).toEqual([])
  expect(weights.new.filter((tensor: string) => tensor.startsWith('core.'))).toEqual([])
  expect(weights.cut).toEqual([])
  const { tensors } = await openWeights(join(work, `${name}-hidden.safetensors`))
  using x = await tensors.get('x')!.read()
  using expected = await tensors.get('hidden')!.read()
  const found = await hiddenOf(join(work, 'artifacts/lvm/models', `${name}-run`), x)
  const wanted = (await expected.data()) as Float32Array
  expect(found.length).toBe(wanted.length)
  const scale = Math.max(1, ...wanted.map(Math.abs))
  expect(found.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0) / scale).toBeLessThan(1e-5)
}

it('imported weights of S4 give the hidden states of the reference', async () => {
  const { s4 } = await runPython<{ s4: number }>('write_s4.py', work)
  await expectEqual('s4.pt', 's4', s4)
})

describe.skipIf(!can)('weights that transformers saved', () => {
  let widths: Record<string, number>
  beforeAll(async () => {
    widths = await runPython('write_published.py', work)
  })

  it.each([
    ['gpt2', 'distilgpt2'],
    ['gpt2-shards', 'distilgpt2'],
    ['gpt2-bin', 'distilgpt2'],
    ['gpt2-body', 'distilgpt2'],
    ['distilgpt2', 'distilgpt2', '--preset', 'checkpoint'],
    ['mamba2', 'mamba2'],
    ['mamba2-spaces', 'mamba2'],
    ['mamba2-130m', 'mamba2', '--preset', 'checkpoint'],
    ['rwkv', 'rwkv'],
    ['rwkv-4-169m', 'rwkv', '--preset', 'checkpoint'],
  ])('imported weights of %s give the hidden states of transformers', async (name, model, ...more) => {
    await expectEqual(name, model, widths[name]!, ...more)
  })

  it('published weights fill the first layers of the target preset and train', async () => {
    const options = [
      '--data',
      SAMPLE,
      '--init',
      'distilgpt2',
      '--max-steps',
      2,
      '--train-eval',
      32,
      '--max-windows',
      32,
      '--name',
      'target',
    ]
    expect(await done(work, ['train', 'distilgpt2', ...options])).toMatchObject({ type: 'result', stopped: 'max-steps' })
    const run = join(work, 'artifacts/lvm/models/target')
    expect(readJson(run, 'manifest.json').init).toEqual({ path: 'distilgpt2', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })
})
