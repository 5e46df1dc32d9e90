import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { evaluate, type ImportOptions, importCheckpoint, load, Tensor } from '../../lib/index.js'
import { type NativeTensor, native } from '../../lib/native.js'
import { fixture, refused } from '../files/fixture.js'
import { historyOf, json, place, TINY, trained, vectorFile } from '../train/runs.js'

type State = Record<string, NativeTensor>
const out = place('imported')
let data: string
beforeAll(async () => {
  data = await vectorFile('base', { articles: 8 })
  for (const model of ['lstm', 'gru', 'transformer'] as const)
    for (const head of ['linear', 'mlp'] as const)
      await trained({ ...TINY, model, head, data, name: `${model}-${head}`, epochs: 1 })
  await trained({ ...TINY, model: 'gru', norm: 'post', data, name: 'gru-post', epochs: 1 })
})
const run = (name: string) => join(TINY.out, name)

/** Weights of a run; they stay allocated until the process ends. */
async function stateOf(name: string): Promise<State> {
  const model = await load(run(name))
  return Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor]))
}
/** Names in the specification's Python classes. */
const inPython = (state: State, head = 'head'): State =>
  Object.fromEntries(
    Object.entries(state).map(([name, tensor]) => [
      name
        .replace(/^core\./, '')
        .replace(/^in_proj\./, 'input_proj.')
        .replace(/^head\./, `${head}.`),
      tensor,
    ]),
  )
async function pt(name: string, value: unknown): Promise<string> {
  await native.savePt(place(name), value)
  return place(name)
}
const importing = (file: string, model: string, more: Partial<ImportOptions> = {}) =>
  importCheckpoint({ file, model, out, ...more } as ImportOptions)

const x = Float32Array.from({ length: 2 * 5 * 16 }, (_, i) => Math.sin(i))
async function samePredictions(a: string, b: string): Promise<void> {
  using one = await load(a)
  using two = await load(b)
  expect(await two.predict(x, { context: 5 })).toEqual(await one.predict(x, { context: 5 }))
}

describe.each(['lstm-linear', 'lstm-mlp', 'gru-linear', 'gru-mlp', 'gru-post', 'transformer-linear', 'transformer-mlp'])(
  '%s',
  (name) => {
    const model = name.split('-')[0]!
    const heads = { nhead: 2 } // the only size that no tensor shows

    it.each<[string, (state: State) => unknown]>([
      ['a plain state dict with our names', (state) => (model === 'transformer' ? { args: heads, state_dict: state } : state)],
      [
        'model_state_dict with the names of the specification',
        (state) => ({ epoch: 7, model_state_dict: inPython(state), args: heads, val_loss: 0.5, val_cosine: 0.25 }),
      ],
      ['the head under the name output_proj', (state) => ({ model_state_dict: inPython(state, 'output_proj'), args: heads })],
      [
        'names wrapped by DataParallel and compile',
        (state) => ({
          model_state_dict: Object.fromEntries(
            Object.entries(inPython(state)).map(([key, value]) => [`module._orig_mod.${key}`, value]),
          ),
          args: heads,
        }),
      ],
    ])('import accepts %s', async (form, value) => {
      const file = await pt(`${name}-${form.length}.pt`, value(await stateOf(name)))
      const imported = await importing(file, model, { name: `${name}-${form.length}` })
      const run_ = imported.run
      expect(run_).toBe(join(out, `${name}-${form.length}`))
      expect(imported).toMatchObject({
        version: 1,
        model,
        parameters: json<{ parameters: number }>(run(name), 'config.json').parameters,
      })
      await samePredictions(run(name), run_)
      const { manifest } = await verifyRun(run_)
      expect(manifest).toMatchObject({ model, progress: null, data: null, imported_from: file, dim: 16, context: 5 })
      expect(Object.keys(manifest.files).sort()).toEqual(['best_model.pt', 'config.json', 'training_history.json'])
    })
  },
)

it.each(['lstm', 'gru', 'transformer'])('a %s checkpoint of our own imports with equal evaluation', async (model) => {
  const name = `${model}-linear`
  const imported = await importing(join(run(name), 'best_model.pt'), model, { name: `${name}-back` })
  await samePredictions(run(name), imported.run)
  const { results } = await evaluate({ runs: [run(name), imported.run], data, rows: 'all', latency: 0, out: place('reports') })
  const [one, two] = results.runs.map(({ n, cosine, mse_raw, mse_unit }) => ({ n, cosine, mse_raw, mse_unit }))
  expect(one!.n).toBe(152)
  expect(two).toEqual(one)
})

describe('what a file says of itself', () => {
  it('import keeps the epoch and its figures', async () => {
    const file = await pt('figures.pt', {
      epoch: 7,
      model_state_dict: await stateOf('lstm-linear'),
      val_loss: 0.5,
      val_cosine: 0.25,
    })
    const { run } = await importing(file, 'lstm', { name: 'figures' })
    expect(historyOf(run)).toMatchObject({ model: 'lstm', history: [], best_epoch: 7 })
  })
  it('import reads our own options that no tensor shows: residual, output, scale, heads, context', async () => {
    const options = { residual: 'last', output: 'unit', inputScale: 'sqrt_dim', heads: 4 } as const
    await trained({ ...TINY, model: 'transformer', ...options, context: 7, data, name: 'own', epochs: 1 })
    const imported = await importing(join(run('own'), 'best_model.pt'), 'transformer', { name: 'own' })
    expect(imported.options).toMatchObject(options)
    await samePredictions(run('own'), imported.run)
    const { manifest } = await verifyRun(imported.run)
    expect(manifest).toMatchObject({ output: 'unit', context: 7 })
  })
  it('import uses the averaged weights of a checkpoint', async () => {
    await trained({ ...TINY, model: 'gru', ema: 0.5, data, name: 'averaged', epochs: 1 })
    const imported = await importing(join(run('averaged'), 'final_model.pt'), 'gru', { name: 'averaged' })
    await samePredictions(run('averaged'), imported.run)
  })
  it('import converts float16 weights to float32', async () => {
    const state = await stateOf('lstm-linear')
    const halves: State = {}
    for (const [name, tensor] of Object.entries(state))
      halves[name] = (await Tensor.wrap(tensor).to({ dtype: 'bfloat16' })).native
    const { run } = await importing(await pt('bf16.pt', halves), 'lstm', { name: 'bf16' })
    using model = await load(run)
    const bias = Tensor.wrap(native.modelState(model.native).find(({ name }) => name === 'head.bias')!.tensor)
    using exact = await Tensor.wrap(halves['head.bias']!).to({ dtype: 'float32' })
    expect(bias.dtype).toBe('float32')
    expect(await bias.data()).toEqual(await exact.data())
  })
  it('import leaves out tables that Python stores and we compute', async () => {
    const state = inPython(await stateOf('transformer-linear'))
    const table = Tensor.from(new Float32Array(64), [1, 4, 16]).native
    const file = await pt('table.pt', { model_state_dict: { ...state, 'pos_encoder.pe': table }, args: { nhead: 2 } })
    await samePredictions(run('transformer-linear'), (await importing(file, 'transformer', { name: 'table' })).run)
  })
})

describe('import refuses', () => {
  it('import refuses weights of another structure, and names every missing and unexpected tensor', async () => {
    const { 'core.lstm.weight_hh_l0': one, 'core.lstm.bias_ih_l1': two, ...rest } = await stateOf('lstm-linear')
    const file = await pt('names.pt', { model_state_dict: { ...rest, 'embed.weight': one, 'extra.bias': two } })
    const message = await refused('BAD_CHECKPOINT', importing(file, 'lstm', { name: 'names' }))
    expect(message).toContain('2 are missing (core.lstm.weight_hh_l0, core.lstm.bias_ih_l1)')
    expect(message).toContain('2 unexpected (embed.weight, extra.bias)')
    expect(existsSync(join(out, 'names'))).toBe(false)
  })
  it('import refuses weights of another model', async () => {
    const file = await pt('model.pt', await stateOf('lstm-linear'))
    expect(await refused('BAD_CHECKPOINT', importing(file, 'gru', { name: 'model' }))).toMatch(/in_proj\.weight/)
    await refused('BAD_OPTION', importing(file, 'lsmt'))
  })
  it('import refuses weights without a head', async () => {
    const { 'head.weight': _, ...rest } = await stateOf('lstm-linear')
    expect(await refused('BAD_CHECKPOINT', importing(await pt('headless.pt', rest), 'lstm'))).toMatch(
      /head\.weight or head\.3\.weight/,
    )
  })
  it('import refuses tensors of another shape', async () => {
    const state = await stateOf('lstm-linear')
    const bias = Tensor.from(new Float32Array(17)).native
    const file = await pt('shape.pt', { ...state, 'head.bias': bias })
    expect(await refused('BAD_CHECKPOINT', importing(file, 'lstm'))).toMatch(/head\.bias/)
  })
  it('import refuses NaN weights', async () => {
    const state = await stateOf('gru-linear')
    const bias = Tensor.from(new Float32Array(16).fill(Number.NaN)).native
    const file = await pt('nan.pt', { ...state, 'head.bias': bias })
    expect(await refused('BAD_CHECKPOINT', importing(file, 'gru'))).toMatch(/"head\.bias" holds NaN or Inf/)
    expect(existsSync(join(out, 'gru_stacked'))).toBe(false)
  })
  it('import refuses a file with code, a file of another format and a missing file', async () => {
    await refused('DATA_UNSAFE', importing(fixture('evil.pt'), 'lstm'))
    await refused('DATA_UNSAFE', importing(fixture('evil-legacy.pt'), 'lstm'))
    await writeFile(place('text.pt'), 'weights')
    await refused('DATA_FORMAT', importing(place('text.pt'), 'lstm'))
    await refused('FILE_MISSING', importing(place('gone.pt'), 'lstm'))
    await refused('BAD_CHECKPOINT', importing(await pt('empty.pt', { model_state_dict: {} }), 'lstm'))
    await refused('BAD_CHECKPOINT', importing(await pt('list.pt', [1, 2, 3]), 'lstm'))
    await refused('BAD_CHECKPOINT', importing(await pt('text-dict.pt', { model_state_dict: 'none' }), 'lstm'))
    expect(existsSync(join(out, 'lstm_baseline'))).toBe(false)
  })
  it('import refuses an invalid context', async () => {
    for (const context of [0, 2.5]) await refused('BAD_OPTION', importing(place('model.pt'), 'lstm', { context }))
  })
  it('import replaces a run only with overwrite, and keeps it when the file is bad', async () => {
    const file = await pt('again.pt', await stateOf('lstm-linear'))
    const { run } = await importing(file, 'lstm', { name: 'again' })
    await refused('RUN_EXISTS', importing(file, 'lstm', { name: 'again' }))
    await refused('DATA_FORMAT', importing(place('text.pt'), 'lstm', { name: 'again', overwrite: true }))
    expect((await verifyRun(run)).manifest.model).toBe('lstm')
    await importing(await pt('other.pt', await stateOf('gru-linear')), 'gru', { name: 'again', overwrite: true })
    await samePredictions(join(TINY.out, 'gru-linear'), run)
  })
  it('resume refuses an imported run', async () => {
    const again = trained({ model: 'gru', out, name: 'again', data, resume: true })
    expect(await refused('BAD_OPTION', again)).toMatch(/imported/)
  })
})
