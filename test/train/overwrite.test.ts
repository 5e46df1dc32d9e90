import { existsSync, readdirSync } from 'node:fs'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { openStore, verifyRun } from '../../lib/checkpoint/run-store.js'
import { load } from '../../lib/index.js'
import { clone } from '../checkpoint/run.js'
import { comparable, contentOf, historyOf, manifestOf, nth, place, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
const old = place('old')
beforeAll(async () => {
  data = await vectorFile('base')
  await trained({ ...TINY, model: 'gru', data, name: 'old', out: place('.'), epochs: 3, seed: 9 })
})
const options = { ...TINY, model: 'lstm', overwrite: true } as const
const fresh = async (name: string) => {
  const run = join(TINY.out, name)
  await cp(old, run, { recursive: true })
  return run
}

it('an overwritten run stays until the first save of the new one, which keeps none of its files', async () => {
  const run = await fresh('one')
  await trained({ ...options, data, name: 'one', seed: 9 }, nth('start', 1)) // a seed whose audit is cached
  const { manifest, path } = await verifyRun(run)
  expect(manifest).toMatchObject({ model: 'lstm', generation: manifestOf(old).generation + 1 })
  for (const folder of [run, path]) {
    expect(readdirSync(folder)).not.toContain('best_model.pt')
    expect(historyOf(folder)).toMatchObject({ model: 'lstm', history: [], best_epoch: null })
  }
  expect(Object.keys(manifestOf(run).golden.outputs)).toEqual(['final_model'])
  using model = await load(run)
  expect(model.manifest.model).toBe('lstm')
})

it('a run that overwrites another equals a run in a new folder', async () => {
  const run = await fresh('two')
  await trained({ ...options, data, name: 'two' }, nth('epoch', 1))
  expect(resultOf(await trained({ ...TINY, model: 'lstm', data, name: 'two', resume: true }))).toMatchObject({ stopped: 'done' })
  await trained({ ...TINY, model: 'lstm', data, name: 'alone' })
  expect(comparable(historyOf(run))).toEqual(comparable(historyOf(join(TINY.out, 'alone'))))
  for (const file of ['best_model.pt', 'final_model.pt'])
    expect([...(await contentOf(join(run, file)))]).toEqual([...(await contentOf(join(TINY.out, 'alone', file)))])
})

it('a kill at any moment of the first save leaves the old run or the new one', async () => {
  const before = await fresh('three')
  await trained({ ...options, data, name: 'three' }, nth('start', 1))
  const { path, manifest } = await verifyRun(before)
  // every intermediate state: a new pointer, and the first n files at the top updated
  const names = ['best_model.pt', ...Object.keys(manifest.files)]
  for (let renewed = 0; renewed <= names.length; renewed++) {
    const run = join(TINY.out, `killed-${renewed}`)
    clone(before, run)
    for (const name of readdirSync(run)) if (name !== 'generations') await rm(join(run, name))
    const previous = join(run, 'generations', String(manifest.generation - 1).padStart(6, '0'))
    for (const name of readdirSync(previous)) await cp(join(previous, name), join(run, name))
    for (const name of names.slice(0, renewed)) {
      await rm(join(run, name), { force: true })
      if (manifest.files[name] !== undefined) await cp(join(path, name), join(run, name))
    }
    const found = await verifyRun(run)
    expect(found.manifest.model).toBe('lstm')
    expect(existsSync(join(run, 'best_model.pt'))).toBe(false)
    expect(manifestOf(run).model).toBe('lstm')
    expect(historyOf(run).model).toBe('lstm')
  }
})

it('a damaged run can be overwritten, and stays until the new run is saved', async () => {
  const run = await fresh('four')
  await writeFile(join((await verifyRun(run)).path, 'config.json'), '{}')
  await expect(trained({ ...options, data, name: 'four', overwrite: false })).rejects.toMatchObject({ code: 'RUN_EXISTS' })
  await writeFile(place('broken.npy'), 'not vectors')
  await expect(trained({ ...options, data: place('broken.npy'), name: 'four' })).rejects.toMatchObject({ code: 'DATA_FORMAT' })
  expect((await verifyRun(run)).manifest.model).toBe('gru')
  await rm(join(run, 'generations'), { recursive: true })
  await rm(join(run, 'final_model.pt')) // now no save is intact
  await trained({ ...options, data, name: 'four' })
  expect((await verifyRun(run)).manifest).toMatchObject({ model: 'lstm', generation: 3 })
  await (await openStore(run)).close()
})
