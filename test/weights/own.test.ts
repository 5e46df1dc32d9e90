import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createModel, importCheckpoint, load } from '../../lib/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { native } from '../../lib/native.js'
import { readModelFile } from '../../lib/train/model-file.js'
import { lvm } from '../train/programs.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'

mkdirSync(place('node_modules'))
symlinkSync(packageRoot(), place('node_modules/lvm-torch'), 'junction') // the file imports the package by its name
const file = place('mine.mjs')
writeFileSync(
  file,
  `import { architecture, chain, gru, integer, linear, named } from 'lvm-torch/spec'
export default architecture({
  name: 'mine',
  causal: true,
  fields: { width: integer({ default: 8, min: 1, about: 'hidden dimension' }) },
  width: ({ width }) => width,
  trunk: ({ dim, width }) => chain(named('input_proj', linear({ in: dim, out: width })), named('h', gru({ in: width, width }))),
})`,
)
const mine = await readModelFile(file)
const out = place('imported')
const x = Float32Array.from({ length: 2 * 5 * 16 }, (_, i) => Math.sin(i))

/** A file with the weights of a model of width 6, and the predictions of that model. */
async function stateFile(
  name: string,
  change = (state: Record<string, unknown>) => state as Parameters<typeof native.savePt>[1],
) {
  using model = await createModel({ model: mine, dim: 16, width: 6, seed: 3 } as never)
  const state = Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor]))
  await native.savePt(place(name), change(state))
  return { path: place(name), state }
}

it('a state dict with the names of a declaration becomes a run that needs the declaration no more', async () => {
  const { path, state } = await stateFile('state.pt')
  expect(Object.keys(state)).toContain('input_proj.weight')
  const made = await importCheckpoint({ file: path, model: mine, options: { width: 6 }, out })
  expect(made).toMatchObject({ model: 'mine', options: { width: 6 }, weights: { new: [], dropped: [] } })
  const words = ['import', path, '--model-file', file, '--width', '6', '--name', 'by-command', '--out', out]
  const command = lvm(place(''), ...words)
  expect(await command.end, command.err()).toBe(0)
  using one = await load('mine', { root: out })
  using two = await load('by-command', { root: out })
  expect(one.manifest).toMatchObject({ model: 'mine', architecture: { causal: true }, options: { model: { width: 6 } } })
  expect(await two.predict(x, { context: 5 })).toEqual(await one.predict(x, { context: 5 }))
}, 30_000)

it('a checkpoint of an own run says its options itself, and options replace them', async () => {
  const data = await vectorFile('base', { articles: 8 })
  await trained({ ...TINY, model: mine as never, width: 5, data, name: 'own', epochs: 1 } as never)
  const path = join(TINY.out, 'own', 'best_model.pt')
  expect((await importCheckpoint({ file: path, model: mine, name: 'back', out })).options).toMatchObject({ width: 5 })
  using one = await load(join(TINY.out, 'own'))
  using two = await load('back', { root: out })
  expect(await two.predict(x, { context: 5 })).toEqual(await one.predict(x, { context: 5 }))
  const replaced = importCheckpoint({ file: path, model: mine, name: 'wide', options: { width: 7 }, out })
  await expect(replaced).rejects.toMatchObject({ code: 'BAD_CHECKPOINT' })
}, 30_000)

it('weights of another shape, other names, and wrong options are refused with what to do', async () => {
  const { path } = await stateFile('other.pt')
  const importing = (more: object) => importCheckpoint({ file: path, model: mine, name: 'no', out, ...more } as never)
  await expect(importing({})).rejects.toMatchObject({
    code: 'BAD_CHECKPOINT',
    message: expect.stringContaining('input_proj.weight: [6, 16] instead of [8, 16]'),
    hint: expect.stringContaining('models show --model-file'),
  })
  await expect(importing({ options: { wdith: 6 } })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(importing({ model: 'lstm', options: { width: 6 } })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(importing({ model: { ...mine, name: 'gru', folder: 'gru' } })).rejects.toMatchObject({ code: 'BAD_SPEC' })
  const ours = await stateFile('args.pt', (state) => ({ model_state_dict: state, args: { model: 'lstm' } }) as never)
  await expect(importing({ file: ours.path })).rejects.toMatchObject({
    code: 'BAD_CHECKPOINT',
    hint: expect.stringContaining('lstm'),
  })
  const both = lvm(place(''), 'import', path, '--model', 'lstm', '--model-file', file)
  expect(await both.end).toBe(2)
  expect(both.err()).toContain('one of --model and --model-file')
}, 30_000)
