import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { training } from '../../bin/commands/train.js'
import { allSettings, overridden, readConfig, settingsText } from '../../bin/train-config.js'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { resolve } from '../../lib/options.js'
import { configOf } from '../../lib/train/config-file.js'
import { plan } from '../../lib/train/recipe.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (text: string, name = 'run.yaml') => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
type Settings = Readonly<Record<string, unknown>>
/** The settings of a training from a file and flags. */
const settled = async (path: string, model: string, flags: Settings = {}) =>
  allSettings(model, overridden(await readConfig(path, ['seeds']), flags, model))

const RECIPES = ['prd', 'strong', 'retrieve', 'small', 'lcm']
const own = { data: 'vectors', seed: 3, epochs: 7 }
const tried = architectures.flatMap(({ name }) => RECIPES.map((recipe) => [name, { ...own, recipe }] as const))
const planned = tried.filter(([name, given]) => {
  try {
    return plan(name, given)
  } catch {
    return false // a recipe that the model refuses
  }
})
it.each([
  ...planned,
  ['lstm', { ...own, preset: 'tiny', width: 24, lr: 1e-3, context: 7 }],
  ['gru', { ...own, recipe: 'strong', context: 5 }],
  ['lstm', { ...own, history: '40', minHistory: 4 }],
  ['lstm', { ...own, loss: 'contrastive', negatives: 64, schedule: 'warmup-cosine', warmup: 0.1 }],
] as const)('the config.json of a run of %s with %j, and its printed settings, give the same settings', async (model, given) => {
  expect(planned.length).toBeGreaterThan(40)
  const settings = allSettings(model, given)
  const made = plan(model, given)
  const facts = { dim: 768, context: 9, parameters: 1, trainable: 1, device: 'cpu', threads: 2, emaRule: null }
  const context = made.train.history === undefined ? made.train.context : 512
  const options = resolve(model, findArchitecture(model).fields, made.model)
  const run = file(JSON.stringify(configOf(made, options, { ...facts, context })), 'config.json')
  expect(await settled(run, model)).toEqual({ ...settings, device: 'cpu', threads: 2 })
  expect(await settled(file(settingsText(settings)), model)).toEqual(settings)
})
it('flags override a file, and a context replaces its history', async () => {
  const path = file('recipe: strong\nepochs: 9\nbatch_vectors: 256\nminHistory: 3\n')
  expect(await settled(path, 'lstm', { epochs: 2 })).toMatchObject({ epochs: 2, batchVectors: 256, minHistory: 3 })
  const short = await settled(path, 'lstm', { context: 4 })
  expect([short.context, short.history, short.recipe]).toEqual([4, undefined, 'strong'])
})
it.each([
  ['epohcs: 3', 'run.yaml:1: expected an option of train or of the model for "epohcs"', 'did you mean "epochs"?'],
  ['model: lstm\nwidht: 3', '"widht"', 'did you mean "width"?'],
  ['width: 3', '"width"', 'lists them'], // no model that has it
  ['resume: true', '"resume"', ''],
  ['- 1', 'expected keys with values for "config"', '--print-config'],
  ['', 'expected keys with values but the file is empty', '--print-config'],
  [`data: "${'x'.repeat(1 << 20)}"`, 'at most 1048576 bytes', '--print-config'],
])('a file with %j is refused', async (text, message, hint) => {
  const refused = readConfig(file(text), [])
  await expect(refused).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringContaining(message) })
  await expect(refused).rejects.toMatchObject({ commandHint: expect.stringContaining(hint) })
  await expect(refused).rejects.toMatchObject({ message: expect.not.stringMatching(/plan|experiment/) })
})
it('a missing file is an error', () =>
  expect(readConfig(join(folder, 'none.yaml'), [])).rejects.toMatchObject({
    code: 'FILE_MISSING',
    message: expect.stringMatching(/^could not read the file of --config: /),
  }))
it('a value of the wrong kind is refused as on the command line', () =>
  expect(settled(file('epochs: many'), 'lstm')).rejects.toMatchObject({
    message: 'train: expected an integer ≥ 0 for "epochs" but received "many"',
  }))
it('the verb reads the file before its options are known', async () => {
  await expect(training(['train', '--config', file('epohcs: 3')])).rejects.toThrow('"epohcs"')
  await expect(training(['train', `--config=${file('model: lsmt')}`])).rejects.toThrow('"lsmt"')
  await training(['train', '--config'])
})
it('a second file of --config is refused instead of ignored', async () => {
  const words = ['train', 'lstm', '--config', file('lr: 0.1'), `--config=${file('lr: 0.2', 'other.yaml')}`]
  await expect(training(words)).rejects.toThrow(/^train: expected one value for "config" but received \[".+run.yaml/)
  await expect(training(['train', '--model-file', 'a.mjs', '--model-file', 'b.mjs'])).rejects.toThrow('one value for "model')
})
it('a model of the command line that is not that of the file is refused instead of overriding it', async () => {
  const path = file('model: gru\nlr: 0.1')
  await expect(training(['train', 'lstm', '--config', path])).rejects.toMatchObject({
    message: 'train: expected "gru", as in the file of --config, for "model" but received "lstm"',
    commandHint: expect.stringContaining('leave the model out'),
  })
  await training(['train', 'gru', '--config', path])
})
