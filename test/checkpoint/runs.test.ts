import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listRuns, removeRun, showRun } from '../../lib/checkpoint/list-runs.js'
import { openStore, verifyRun } from '../../lib/checkpoint/run-store.js'
import { lockRun } from '../../lib/files/lock.js'
import { flip, listing, refusal, tempFolder } from './run.js'

const row = (epoch: number, val_loss: number) => ({
  ...{ epoch, train_loss: val_loss / 2, val_loss, train_cosine: 0.6, val_cosine: 0.5, lr: 5e-4, seconds: 61, grad_norm: 1 },
})
/** A run like one of a training: two saves, three epochs, the second the best. */
async function trained(folder: string, finished = true): Promise<string> {
  const store = await openStore(folder)
  const text = (value: object) => (path: string) => writeFile(path, JSON.stringify(value))
  const history = [row(0, 0.9), row(1, 0.3), row(2, 0.2), row(3, 0.25)]
  for (const epochs of [2, 4]) {
    await store.save({
      files: {
        'best_model.pt': (path) => writeFile(path, Buffer.alloc(40_000, 7)),
        'config.json': text({ epochs: 3, batch_size: 32 }),
        'training_history.json': text({
          ...{
            version: 1,
            model: 'lstm',
            parameters: 5120768,
            history: history.slice(0, epochs),
            best_epoch: epochs === 2 ? 1 : 2,
          },
        }),
      },
      manifest: { model: 'lstm', parameters: 5120768, data: { path: 'vectors.npz' }, golden: [1], progress: { finished } },
    })
  }
  await store.close()
  return folder
}

describe('the list of runs', () => {
  it('runs list gives state and best figures of each run, and omits other folders', async () => {
    const root = await tempFolder()
    await trained(join(root, 'a'))
    await trained(join(root, 'b'), false)
    const lock = await lockRun(await trained(join(root, 'c'), false))
    const first = await lockRun(join(root, 'd'))
    mkdirSync(join(root, 'notes'))
    writeFileSync(join(root, 'readme.txt'), 'x')
    const runs = await listRuns(root)
    await lock.release()
    await first.release()
    expect(runs.map(({ run, state }) => [run, state])).toEqual([
      ['a', 'complete'],
      ['b', 'interrupted'],
      ['c', 'running'],
      ['d', 'running'],
    ])
    expect(runs[0]).toMatchObject({
      ...{
        model: 'lstm',
        parameters: 5120768,
        data: 'vectors.npz',
        epochs: 3,
        best_epoch: 2,
        val_loss: 0.2,
        val_cosine: 0.5,
        problem: null,
      },
    })
    expect(runs[0]!.saved_at).toMatch(/^20/)
    expect(runs[0]!.bytes).toBeGreaterThan(80_000) // two saves of 40 kB, with the hard links at the top counted once
    expect(runs[0]!.bytes).toBeLessThan(100_000)
    expect(runs[3]).toMatchObject({ epochs: null, val_loss: null, problem: null })
  })
  it('runs list gives the error of a damaged run instead of figures', async () => {
    const root = await tempFolder()
    await trained(join(root, 'a'))
    const path = join(root, 'a/training_history.json')
    await flip(path, readFileSync(path, 'utf8').indexOf('0.2'))
    const [run] = await listRuns(root)
    expect(run).toMatchObject({ state: 'damaged', model: null, epochs: null, val_loss: null, val_cosine: null, parameters: null })
    expect(run!.problem).toMatchObject({ code: 'BAD_CHECKPOINT' })
    expect(run!.problem!.message).toContain('training_history.json')
  })
  it('runs list of a missing folder is empty', async () => expect(await listRuns(join(await tempFolder(), 'x'))).toEqual([]))
})

describe('one run', () => {
  it('runs show gives history, files and manifest of a run', async () => {
    const root = await tempFolder()
    await trained(join(root, 'a'))
    const run = await showRun('a', root)
    expect(run).toMatchObject({ run: 'a', state: 'complete', generation: 2, config: { epochs: 3, batch_size: 32 }, holder: null })
    expect(run.history).toHaveLength(4)
    expect(run.files['best_model.pt']).toBe(40_000)
    expect(run.manifest).toMatchObject({ model: 'lstm', data: { path: 'vectors.npz' } })
    expect(JSON.stringify(run.manifest)).not.toMatch(/golden|files/)
  })
  it('runs show gives nulls for the history of an imported run', async () => {
    const root = await tempFolder()
    const store = await openStore(join(root, 'a'))
    await store.save({ files: { 'best_model.pt': (path) => writeFile(path, 'x') }, manifest: { model: 'gru', progress: null } })
    await store.close()
    expect(await showRun('a', root)).toMatchObject({
      model: 'gru',
      epochs: 0,
      best_epoch: null,
      val_loss: null,
      history: [],
      config: {},
    })
  })
  it('runs show of a missing run is RUN_MISSING', async () =>
    expect(await refusal(showRun('a', await tempFolder()))).toMatchObject({ code: 'RUN_MISSING' }))
})

describe('removing a run', () => {
  it('runs rm removes the folder of a run', async () => {
    const folder = await trained(join(await tempFolder(), 'a'))
    expect(await removeRun(folder)).toEqual({ kept: [] })
    expect(existsSync(folder)).toBe(false)
  })
  it('runs rm keeps foreign files and the targets of links', async () => {
    const root = await tempFolder()
    const outside = join(root, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'precious'), 'x')
    const folder = await trained(join(root, 'a'))
    writeFileSync(join(folder, 'paper.tex'), 'x')
    symlinkSync(outside, join(folder, 'generations/link'))
    rmSync(join(folder, 'config.json'))
    symlinkSync(join(outside, 'precious'), join(folder, 'config.json'))
    expect(await removeRun(folder)).toEqual({ kept: ['paper.tex'] })
    expect(listing(folder)).toEqual(['paper.tex'])
    expect(listing(outside)).toEqual(['precious'])
  })
  it('runs rm does not follow a link to a run', async () => {
    const root = await tempFolder()
    const folder = await trained(join(root, 'a'))
    symlinkSync(folder, join(root, 'b'))
    expect(await refusal(removeRun(join(root, 'b')))).toMatchObject({ code: 'BAD_OPTION' })
    await verifyRun(folder)
  })
  it('runs rm refuses a run that a process writes', async () => {
    const folder = await trained(join(await tempFolder(), 'a'))
    const before = listing(folder)
    const lock = await lockRun(folder)
    expect(await refusal(removeRun(folder))).toMatchObject({ code: 'RUN_LOCKED' })
    await lock.release()
    expect(listing(folder)).toEqual(before)
  })
  it('runs rm removes a damaged run too', async () => {
    const folder = await trained(join(await tempFolder(), 'a'))
    writeFileSync(join(folder, 'generations/current'), 'x')
    writeFileSync(join(folder, 'manifest.json'), 'x')
    expect(await removeRun(folder)).toEqual({ kept: [] })
  })
})
