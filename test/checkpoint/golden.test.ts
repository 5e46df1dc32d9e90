import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { checkGolden, goldenRows } from '../../lib/checkpoint/golden.js'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { load, Tensor } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { bytesOf, refused } from '../files/fixture.js'
import { historyOf, manifestOf, place, TINY, trained, vectorFile } from '../train/runs.js'
import { type Forged, forged } from './trained.js'

const run = join(TINY.out, 'lstm')
beforeAll(async () => {
  const data = await vectorFile('base', { articles: 5 })
  const val = await vectorFile('noise', { articles: 3, noise: true })
  await trained({ ...TINY, model: 'lstm', data, val, split: 'file', space: 'test', name: 'lstm', epochs: 6, lr: 0.02 })
})
const floats = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer)
const text = (x: Float32Array) => Buffer.from(bytesOf(x)).toString('base64')
const changed = (name: string, manifest: (m: Forged) => void) => forged(run, place(name), { manifest })
const nudge = (by: number) => (m: Forged) => {
  const outputs = floats(m.golden.outputs.best_model!)
  outputs[17]! += by
  m.golden.outputs.best_model = text(outputs)
}

describe('golden rows', () => {
  it('golden rows are 8 contexts of unit vectors, and the raw outputs of each weight file', async () => {
    const { golden, dim } = manifestOf(run)
    expect(golden).toMatchObject({ rows: 8, context: 5 })
    expect(Object.keys(golden.outputs).sort()).toEqual(['best_model', 'final_model'])
    expect(historyOf(run).best_epoch).toBeLessThan(6)
    expect(golden.outputs.best_model).not.toBe(golden.outputs.final_model)
    const inputs = floats(golden.inputs)
    expect(inputs).toHaveLength(8 * 5 * dim)
    for (let i = 0; i < inputs.length; i += dim) expect(Math.hypot(...inputs.subarray(i, i + dim))).toBeCloseTo(1, 6)
    using model = await load(run)
    const unit = await model.predict(inputs)
    const raw = floats(golden.outputs.best_model!)
    for (let i = 0; i < raw.length; i += dim) {
      const length = Math.hypot(...raw.subarray(i, i + dim))
      for (let d = 0; d < dim; d++) expect(unit[i + d]).toBeCloseTo(raw[i + d]! / length, 5)
    }
  })
  it('golden rows are fewer for long contexts, and are still checked', async () => {
    const data = await vectorFile('long', { articles: 3, length: 4100 })
    const options = { ...TINY, model: 'lstm', data, context: 4096, batchSize: 1, maxWindows: 2, epochs: 0, force: true } as const
    await trained({ ...options, name: 'long' })
    expect(manifestOf(join(TINY.out, 'long')).golden).toMatchObject({ rows: 2, context: 4096 })
    using model = await load(join(TINY.out, 'long'))
    expect(model.dim).toBe(16)
  })
  it('golden rows must be bit-identical on the same engine', async () => {
    await refused('FOREIGN_FORWARD', load(await changed('bit', nudge(1e-7))))
    const error = load(await changed('far', nudge(0.1)))
    expect(await refused('FOREIGN_FORWARD', error)).toMatch(/outputs saved with best_model, bit for bit, but they differ by/)
  })
  it.each([
    ['cpu', 'another processor'],
    ['threads', 97],
    ['libtorch', '9.9.9'],
    ['addon', '0'.repeat(64)],
  ])('golden rows may differ by 1e-5 when the %s differs', async (key, value) => {
    const elsewhere = (by: number) => (m: Forged) => {
      Object.assign(m.golden.engines.best_model!, { [key]: value })
      nudge(by)(m)
    }
    ;(await load(await changed(`near-${key}`, elsewhere(2e-7)))).dispose()
    expect(await refused('FOREIGN_FORWARD', load(await changed(`off-${key}`, elsewhere(1e-3))))).toMatch(/within 0\.00001/)
  })
  it('golden rows of an ill-conditioned model may differ by a multiple of its conditioning', async () => {
    const { node } = findArchitecture('lstm').spec({ dim: 16, context: 5 }, findArchitecture('lstm').presets.tiny)
    const model = await native.model(node, 'float32', 'cpu', 1)
    for (const { name, tensor } of native.modelState(model))
      if (/weight_.h/.test(name)) await Tensor.wrap(tensor).change('aten::mul_', 100) // a chaotic recurrence
    const golden = await goldenRows(model, { context: 5, dim: 16, device: 'cpu', dtype: 'float32', names: ['best_model'] })
    golden.engines.best_model = { ...golden.engines.best_model!, addon: '0'.repeat(64) }
    const off = (by: number) => {
      const forged = { golden: structuredClone(golden) }
      nudge(by)(forged as Forged)
      return checkGolden(model, forged.golden, { run: 'run', name: 'best_model', dim: 16, device: 'cpu', dtype: 'float32' })
    }
    await off(5e-5)
    await refused('FOREIGN_FORWARD', off(0.1))
  })
  it('golden rows may differ by 1e-3 on another device', async () => {
    const elsewhere = (by: number) => (m: Forged) => {
      m.golden.engines.best_model!.device = 'cuda:0'
      nudge(by)(m)
    }
    ;(await load(await changed('device-near', elsewhere(1e-5)))).dispose()
    await refused('FOREIGN_FORWARD', load(await changed('device-off', elsewhere(0.1))))
  })
  it('golden rows detect weights other than the saved ones', async () => {
    using model = await load(run)
    const state = Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor]))
    using weight = await Tensor.wrap(state['core.lstm.weight_hh_l1']!).op('aten::mul', 1.001)
    const bad = await forged(run, place('weights'), {
      files: {
        'best_model.pt': (path) =>
          native.savePt(path, { model_state_dict: { ...state, 'core.lstm.weight_hh_l1': weight.native } }),
      },
    })
    await refused('FOREIGN_FORWARD', load(bad))
    expect((await verifyRun(bad)).manifest.golden).toEqual(manifestOf(run).golden)
  })
  it.each<[string, (m: Forged) => void]>([
    ['no outputs of the file', (m) => delete m.golden.outputs.best_model],
    ['no engine', (m) => delete m.golden.engines.best_model],
    ['no rows', (m) => Object.assign(m.golden, { rows: 0, inputs: '', outputs: { best_model: '' } })],
    ['too few inputs', (m) => Object.assign(m.golden, { inputs: m.golden.inputs.slice(8) })],
    ['too many rows', (m) => Object.assign(m.golden, { rows: 9 })],
    ['no numbers', (m) => Object.assign(m.golden, { context: null })],
  ])('load refuses incomplete golden rows: %s', async (name, manifest) => {
    await refused('BAD_CHECKPOINT', load(await changed(`part-${name.replaceAll(' ', '-')}`, manifest)))
  })
  it.each<[string, (m: Forged) => void]>([
    ['other inputs', (m) => Object.assign(m.golden, { inputs: text(floats(m.golden.inputs).map((x) => -x)) })],
    [
      'outputs that are not numbers',
      (m) => Object.assign(m.golden.outputs, { best_model: text(new Float32Array(8 * 16).fill(Number.NaN)) }),
    ],
    ['outputs of the other file', (m) => Object.assign(m.golden.outputs, { best_model: m.golden.outputs.final_model })],
  ])('load refuses wrong golden rows: %s', async (name, manifest) => {
    await refused('FOREIGN_FORWARD', load(await changed(`wrong-${name.replaceAll(' ', '-')}`, manifest)))
  })
  it('a save refuses weights whose golden outputs are not finite', async () => {
    using model = await load(run)
    const bias = Tensor.wrap(native.modelState(model.native).find(({ name }) => name === 'head.bias')!.tensor)
    ;(await bias.op('aten::fill_', Number.NaN)).dispose()
    const made = goldenRows(model.native, { context: 5, dim: 16, device: 'cpu', dtype: 'float32', names: ['final_model'] })
    expect(await refused('DIVERGED', made)).toMatch(/NaN or Inf/)
  })
})
