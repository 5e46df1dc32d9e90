import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readPlan } from '../../lib/experiment/read-plan.js'
import { experiment } from '../../lib/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { place, vectorFile } from '../train/runs.js'
import { completed, killRepeatedly, outcome, planFile, requireOnce } from './killed-experiment.js'

mkdirSync(place('node_modules'))
symlinkSync(packageRoot(), place('node_modules/lvm-torch'), 'junction') // the file imports the package by its name
const plans = place('plans')
mkdirSync(plans)
const declare = (file: string, name: string) =>
  writeFileSync(
    join(plans, file),
    `import { architecture, integer, linear, named } from 'lvm-torch/spec'
export default architecture({
  name: '${name}',
  causal: true,
  fields: { inner: integer({ default: 4, min: 1, about: 'hidden dimension' }) },
  width: ({ inner }) => inner,
  trunk: ({ dim, inner }) => named('up', linear({ in: dim, out: inner })),
})`,
  )
declare('mine.mjs', 'mine')
const read = (...lines: string[]) => readPlan(planFile(plans, 'p', ['data: x.npy', 'budget: {runs: 2}', ...lines]))

it('a plan takes architectures of files, found beside it, alone or with models by name', async () => {
  const alone = await read('model-file: mine.mjs', 'search: {inner: [2, 3], lr: [0.1, 0.2]}')
  expect(Object.keys(alone.spaces)).toEqual(['mine'])
  expect(Object.keys(alone.spaces.mine!.search)).toEqual(['inner', 'lr'])
  const both = await read('models: {gru: {}, mine: {fixed: {inner: 3}}}', 'model-file: [mine.mjs]')
  expect(Object.keys(both.spaces)).toEqual(['gru', 'mine'])
  expect(both.spaces.mine!.fixed).toEqual({ inner: 3 })
  expect(Object.keys((await read('models: gru', 'model-file: mine.mjs')).spaces)).toEqual(['gru', 'mine'])
})

it.each([
  ['model-file: none.mjs', 'FILE_MISSING', 'none.mjs'],
  ['model-file: 3', 'BAD_OPTION', 'p.yaml:3: expected the JavaScript file'],
  ['model-file: [mine.mjs, again.mjs]', 'BAD_OPTION', 'mine again'],
  ['model-file: p.yaml', 'BAD_SPEC', 'p.yaml'],
  ['models: [mien]\nmodel-file: mine.mjs', 'BAD_OPTION', 'mine'],
  ['model-file: mine.mjs\nfixed: {inner: 0}', 'BAD_OPTION', 'p.yaml:4: expected an integer'],
])('%j is refused', async (line, code, says) => {
  declare('again.mjs', 'mine')
  await expect(read(...line.split('\n'))).rejects.toMatchObject({ code, message: expect.stringContaining(says) })
})

it.skipIf(process.platform === 'win32')(
  'a killed plan of an own architecture ends with the runs and the verdict of an undisturbed one, and refuses a changed file',
  async () => {
    const path = planFile(plans, 'kill', [
      `data: ${await vectorFile('kill')}`,
      'method: random',
      'model-file: mine.mjs',
      'fixed: {epochs: 1, threads: 1}',
      'search: {inner: [2, 3, 4]}',
      'budget: {runs: 2}',
      'confirm: {top: 1, seeds: 2}',
      'retries: 9',
    ])
    await completed(path, place('whole'))
    await killRepeatedly(path, place('killed'), { kills: 1, within: 1500, seed: 4 })
    expect(outcome(place('killed'))).toEqual(outcome(place('whole')))
    expect(outcome(place('whole')).runs.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done'])
    requireOnce(place('killed'))
    appendFileSync(join(plans, 'mine.mjs'), '\n')
    await expect(experiment({ plan: path, out: place('whole') })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('model_files.mine'),
    })
  },
  120_000,
)
