import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { type ImportOptions, importCheckpoint } from '../../lib/index.js'
import { openWeights } from '../../lib/weights/open-weights.js'
import { refused } from '../files/fixture.js'
import { place } from '../train/runs.js'
import { checkpoint, core, DIM, filled, folder, forms, gpt2, mamba2, numbers, type State, weightsOf } from './forms.js'

const out = place('published')
const importing = (file: string, model: string, name: string, more: Partial<ImportOptions> = {}) =>
  importCheckpoint({ file, model, name, out, dim: DIM, ...more } as ImportOptions)

describe.each(forms)('%s', (title, form) => {
  const id = forms.findIndex(([name, other]) => name === title && other === form)

  it.each(['model.safetensors', 'pytorch_model.bin', 'weights.pth'])('import turns a folder with %s into a run', async (file) => {
    const { state, stored } = await checkpoint(form)
    const made = await importing(
      await folder(`${id}-${file}`, { [file]: stored, 'config.json': form.config ?? {} }),
      form.model,
      `${id}-${file}`,
    )
    expect(made.options).toMatchObject(form.options)
    expect(made.weights.loaded).toEqual(core(state.keys()))
    expect(made.weights.new).toEqual([...state.keys()].filter((name) => !name.startsWith('core.')))
    expect(made.weights.dropped).toHaveLength(Object.keys(form.beside()).length)
    expect(made.weights.cut).toEqual([])
    expect(made.warnings).toEqual(form.guessed ?? [])
    const weights = await weightsOf(made.run)
    for (const name of made.weights.loaded) expect(weights.get(name), name).toEqual([...(await numbers(state.get(name)!))])
    expect((await verifyRun(made.run)).manifest).toMatchObject({ dim: DIM, context: 5, imported_from: place(`${id}-${file}`) })
  })
})

describe('published weights', () => {
  let files: string
  beforeAll(async () => {
    files = await folder('gpt2', { 'model.safetensors': (await checkpoint(gpt2)).stored, 'config.json': gpt2.config! })
  })
  const spoilt = async (name: string, change: (stored: State) => void, config: object = gpt2.config!) => {
    const { stored } = await checkpoint(gpt2)
    change(stored)
    return folder(name, { 'pytorch_model.bin': stored, 'config.json': config })
  }

  it('published weights can be in several files', async () => {
    const { stored } = await checkpoint(gpt2)
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const
    const parts = shards.map((_, part) => new Map([...stored].filter((_, i) => i % 2 === part)))
    const weight_map = Object.fromEntries([...stored.keys()].map((name, i) => [name, shards[i % 2]]))
    const split = await folder('shards', {
      ...Object.fromEntries(shards.map((name, i) => [name, parts[i]!])),
      'model.safetensors.index.json': { metadata: {}, weight_map },
      'config.json': gpt2.config!,
    })
    expect((await openWeights(split)).files).toHaveLength(2)
    const [one, two] = [await importing(split, 'distilgpt2', 'shards'), await importing(files, 'distilgpt2', 'whole')]
    expect(await weightsOf(one.run)).toEqual(await weightsOf(two.run))
  })
  it('import accepts Infinity in config.json, as Python writes it', async () => {
    const made = await folder('infinity', { 'pytorch_model.bin': (await checkpoint(mamba2)).stored })
    await writeFile(join(made, 'config.json'), '{"time_step_limit": [0.0, Infinity], "layer_norm_epsilon": 1e-05}')
    expect((await openWeights(made)).config).toEqual({ time_step_limit: [0, null], layer_norm_epsilon: 1e-5 })
  })
  it('import without a config.json warns about the options it assumes', async () => {
    const bare = await folder('bare', { 'model.safetensors': (await checkpoint(gpt2)).stored })
    const { warnings, options } = await importing(join(bare, 'model.safetensors'), 'distilgpt2', 'bare')
    expect(warnings).toEqual(['the file does not say heads: using 12'])
    expect(options).not.toHaveProperty('heads')
  })
  it('import scales the new input layer to the size of the token embeddings', async () => {
    const { run } = await importing(files, 'distilgpt2', 'scaled')
    const weights = await weightsOf(run)
    const square = (name: string) => weights.get(name)!.reduce((sum, w) => sum + w * w, 0) / 12
    expect(Math.sqrt(square('in_proj.weight') + square('in_proj.bias'))).toBeCloseTo(0.14, 6)
  })
  it('published weights fill the first layers of a preset', async () => {
    const preset = { ...gpt2, options: { ...findArchitecture('distilgpt2').presets.tiny, layers: 3 } }
    const beside = () => ({ 'lm_head.weight': filled(0.1, 11, 16) })
    const { stored, state } = await checkpoint({ ...preset, beside })
    const made = await importing(await folder('tiny', { 'model.safetensors': stored }), 'distilgpt2', 'tiny', { preset: 'tiny' })
    expect(made.weights.cut).toEqual([...state.keys()].filter((name) => name.startsWith('core.gpt.h.2.')))
    expect(made.weights.new).toEqual(['in_proj.weight', 'in_proj.bias', 'head.weight', 'head.bias'])
    expect(made.options).toEqual(findArchitecture('distilgpt2').presets.tiny)
  })
  it('import refuses published weights with the names of missing and unexpected tensors', async () => {
    const file = await spoilt('names', (stored) => {
      stored.delete('transformer.h.1.ln_2.bias')
      stored.delete('transformer.ln_f.weight')
      stored.set('transformer.h.0.extra', filled(1, 2))
      stored.set('score.weight', filled(1, 2))
    })
    const message = await refused('BAD_CHECKPOINT', importing(file, 'distilgpt2', 'names'))
    expect(message).toContain('2 are missing (core.gpt.h.1.ln_2.bias, core.gpt.ln_f.weight)')
    expect(message).toContain('2 unexpected (core.gpt.h.0.extra, score.weight)')
    expect(existsSync(join(out, 'names'))).toBe(false)
  })
  it('import refuses published weights of another shape, with both shapes and the options that fit', async () => {
    const error = await importing(files, 'distilgpt2', 'shapes', { preset: 'tiny' }).catch((error) => error)
    expect(error).toMatchObject({ code: 'BAD_CHECKPOINT' })
    expect(error.message).toContain('core.gpt.wpe.weight: [9, 12] instead of [1024, 16]')
    expect(error.commandHint).toContain('--width 12 --heads 3 --ffn 20 --positions 9')
  })
  it('import refuses published weights whose config.json describes another forward pass', async () => {
    for (const [key, value] of [
      ['activation_function', 'relu'],
      ['layer_norm_epsilon', 1e-12],
      ['scale_attn_by_inverse_layer_idx', true],
    ] as const) {
      const file = await spoilt(`only-${key}`, () => {}, { ...gpt2.config, [key]: value })
      expect(await refused('BAD_CHECKPOINT', importing(file, 'distilgpt2', 'only'))).toContain(`"${key}"`)
    }
  })
  it('import refuses published weights of another model and with NaN', async () => {
    expect(await refused('BAD_CHECKPOINT', importing(files, 'mamba2', 'other'))).toMatch(/of mamba2 but they are of distilgpt2/)
    const file = await spoilt('nan', (stored) => stored.set('transformer.ln_f.bias', filled(Number.NaN, 12)))
    expect(await refused('BAD_CHECKPOINT', importing(file, 'distilgpt2', 'nan'))).toMatch(/"core\.gpt\.ln_f\.bias" holds NaN/)
  })
  it('import refuses published weights with wrong options', async () => {
    await refused('BAD_OPTION', importing(files, 'distilgpt2', 'no', { preset: 'huge' as 'tiny' }))
    await refused('BAD_OPTION', importing(files, 'distilgpt2', 'no', { dim: 0 }))
    await refused('FILE_MISSING', importing(await folder('empty', { 'notes.txt': {} }), 'distilgpt2', 'no'))
    const { run } = await importing(files, 'distilgpt2', 'vectors')
    const best = join(run, 'best_model.pt')
    await refused('BAD_OPTION', importing(best, 'distilgpt2', 'no', { preset: 'tiny' }))
    await refused('BAD_OPTION', importing(best, 'distilgpt2', 'no', { dim: 3 }))
    expect((await importing(best, 'distilgpt2', 'again')).options).toMatchObject(gpt2.options)
  })
})
