import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findRun, isRun, runFolder, runName } from '../../lib/checkpoint/run-folder.js'
import { openStore } from '../../lib/checkpoint/run-store.js'
import { refusal, tempFolder } from './run.js'
import { saveSteps } from './saves.js'

describe('runFolder', () => {
  it.each([
    ['lstm_baseline', 'artifacts/lvm/models/lstm_baseline'],
    ['./lstm_baseline', 'lstm_baseline'],
    ['a/b', 'a/b'],
    ['..', '..'],
    [resolve('x'), 'x'],
  ])('runFolder gives the folder of %s', (run, folder) => expect(runFolder(run)).toBe(resolve(folder)))
  it('runFolder puts a plain name below the given root', () => expect(runFolder('gru', '/runs')).toBe(resolve('/runs/gru')))
  it('runName gives the name to type on the command line', () => {
    expect(runName(resolve('artifacts/lvm/models/gru'))).toBe('gru')
    expect(runName('/elsewhere/gru')).toBe('/elsewhere/gru')
  })
})

describe('finding a run', async () => {
  const rootOf = async () => {
    const root = await tempFolder()
    for (const name of ['lstm_baseline', 'gru_stacked', 'transformer']) {
      const store = await openStore(join(root, name))
      await saveSteps(store, 1, 1)
      await store.close()
    }
    mkdirSync(join(root, 'notes'))
    return root
  }
  it('findRun finds a run by name and by path', async () => {
    const root = await rootOf()
    expect(await findRun('transformer', root)).toBe(join(root, 'transformer'))
    expect(await findRun(join(root, 'transformer'))).toBe(join(root, 'transformer'))
    expect(await isRun(join(root, 'notes'))).toBe(false)
  })
  it.each([
    ['transfromer', 'did you mean transformer?'],
    ['lstm', 'did you mean lstm_baseline?'],
    ['gru-stacked', 'did you mean gru_stacked?'],
    ['mamba2', 'there are: gru_stacked, lstm_baseline, transformer'],
  ])('findRun of the missing run %s suggests similar names or lists all', async (run, hint) => {
    const error = await refusal(findRun(run, await rootOf()))
    expect(error).toMatchObject({ code: 'RUN_MISSING', exit: 2, hint })
    expect(error.message).toContain(`"${run}" does not exist`)
  })
  it('findRun says when a folder or a file is not a run, and when there are no runs', async () => {
    const root = await rootOf()
    expect((await refusal(findRun(join(root, 'notes'), root))).message).toContain('holds no run')
    const file = await refusal(findRun(join(root, 'gru_stacked', 'best_model.pt'), root))
    expect(file.message).toContain('is a file; name its folder')
    expect((await refusal(findRun('x', join(root, 'notes')))).hint).toContain('there are no runs in')
  })
  it('findRun finds a run without pointer or manifest, but not the remains of a first save', async () => {
    const folder = await tempFolder()
    mkdirSync(join(folder, 'generations/000001'), { recursive: true })
    expect(await isRun(folder)).toBe(false)
    mkdirSync(join(folder, 'generations/000002'))
    expect(await isRun(folder)).toBe(true)
    const other = await tempFolder()
    writeFileSync(join(other, 'manifest.json'), '{}')
    expect(await isRun(other)).toBe(true)
  })
})
