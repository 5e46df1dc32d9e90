import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openStore } from '../../lib/checkpoint/run-store.js'
import { flip, tempFolder } from '../checkpoint/run.js'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const runs = (root: string, ...words: string[]) =>
  spawnSync(process.execPath, [cli, 'runs', ...words, '--out', root], { encoding: 'utf8', input: '' })

/** Writes a folder with two runs of two epochs. */
async function folderOfRuns(seeds: readonly [number, number] = [0, 0]): Promise<string> {
  const root = await tempFolder()
  const text = (value: object) => (path: string) => writeFile(path, JSON.stringify(value))
  const row = { train_loss: 0.0006, val_loss: 0.000504, train_cosine: 0.8, val_cosine: 0.783, lr: 5e-4, seconds: 65 }
  for (const [i, name] of ['lstm_baseline', 'gru_stacked'].entries()) {
    const split = { mode: 'articles', leaky: false, seed: seeds[i], train: 90, val: 10, test: 0 }
    const store = await openStore(join(root, name))
    await store.save({
      files: {
        'best_model.pt': (path) => writeFile(path, Buffer.alloc(2_000_000)),
        'config.json': text({ batch_size: 32, device: 'cpu', model_options: { layers: 2 + i } }),
        'training_history.json': text({
          version: 1,
          model: name.slice(0, 4),
          parameters: 5120768,
          history: [0, 1, 2].map((epoch) => ({ epoch, ...row })),
          best_epoch: 2,
        }),
      },
      manifest: {
        ...{ model: name.slice(0, 4), parameters: 5120768, data: { path: 'wiki.npz', hash: 'a' }, split },
        progress: { finished: name > 'h' },
      },
    })
    await store.close()
  }
  return root
}

it('runs list prints a table, or one JSON document', async () => {
  const root = await folderOfRuns()
  const { stdout, status } = runs(root, 'list')
  expect(status).toBe(0)
  expect(stdout).toMatch(/^run +model +state +epochs +best +val loss +val cosine +parameters +reads +data +split +size +saved$/m)
  expect(stdout).toMatch(
    /^lstm_baseline +lstm +complete +2 +2 +0\.000504 +0\.7830 +5,120,768 +– +wiki\.npz +articles, seed 0 +2\.0 MB +20\d\d-/m,
  )
  expect(stdout).toMatch(/^gru_stacked +gru_ +interrupted /m)
  expect(stdout).not.toContain('only figures on the same one')
  const document = JSON.parse(runs(root, 'list', '--json').stdout)
  expect(document.runs[1]).toMatchObject({ run: 'lstm_baseline', state: 'complete', val_loss: 0.000504, epochs: 2 })
})
it('runs diff shows the settings that differ first, or one JSON document', async () => {
  const root = await folderOfRuns()
  const { stdout, status } = runs(root, 'diff', 'lstm_baseline', 'gru_stacked')
  expect(status).toBe(0)
  expect(stdout).toMatch(/^differs +A lstm_baseline +B gru_stacked$/m)
  expect(stdout).toMatch(/^model_options\.layers +2 +3$/m)
  expect(stdout).toMatch(/^val cosine +0\.7830 +0\.7830$/m)
  expect(stdout.indexOf('same in both')).toBeGreaterThan(stdout.indexOf('model_options.layers'))
  expect(stdout).toMatch(/^batch_size +32$/m)
  const document = JSON.parse(runs(root, 'diff', 'lstm_baseline', 'gru_stacked', '--json').stdout)
  expect(document).toMatchObject({ version: 1, a: { run: 'lstm_baseline' }, b: { run: 'gru_stacked', val_loss: 0.000504 } })
  expect(document.settings[0]).toEqual({ key: 'model_options.layers', a: 2, b: 3, same: false })
  expect(document.settings.slice(1).every(({ same }: { same: boolean }) => same)).toBe(true)
  expect(runs(root, 'diff', 'gru_stacked', 'gru_stacked').stdout).toMatch(/^the settings are the same$/m)
})
it('runs diff refuses a run that does not exist, and needs two', async () => {
  const root = await folderOfRuns()
  const missing = runs(root, 'diff', 'gru_stacked', 'nowhere')
  expect([missing.status, missing.stderr]).toEqual([2, expect.stringMatching(/^RUN_MISSING: /)])
  expect(runs(root, 'diff', 'gru_stacked').status).toBe(2)
})
it('runs list warns that runs with different splits cannot be compared', async () => {
  const { stdout } = runs(await folderOfRuns([0, 7]), 'list')
  expect(stdout).toMatch(/^gru_stacked .* articles, seed 7 /m)
  expect(stdout).toMatch(/^these runs use 2 different data files or splits: only figures on the same one can be compared$/m)
})
it('runs list without runs prints how to train one', async () => {
  expect(runs(await tempFolder(), 'list').stdout).toMatch(/begin with: node \S+ train lstm --data FILE/)
})
it('runs show prints settings, files and every epoch', async () => {
  const root = await folderOfRuns()
  const { stdout } = runs(root, 'show', 'lstm_baseline')
  for (const line of [
    /^state +complete$/m,
    /^best_model\.pt +2\.0 MB$/m,
    /^batch_size +32$/m,
    /^ +2 +0\.000600 +0\.000504 .* 1 min 05 s$/m,
  ]) {
    expect(stdout).toMatch(line)
  }
  expect(JSON.parse(runs(root, 'show', 'lstm_baseline', '--json').stdout).history).toHaveLength(3)
  const { status, stderr } = runs(root, 'show', 'lstm')
  expect([status, stderr]).toEqual([2, expect.stringContaining('fix: did you mean lstm_baseline?')])
})
it('runs show names the damaged file and ends with 3, and runs restore names the save it restored', async () => {
  const root = await folderOfRuns()
  await flip(join(root, 'lstm_baseline/config.json'), 3)
  const { stdout, status } = runs(root, 'show', 'lstm_baseline')
  expect(status).toBe(3)
  expect(stdout).toMatch(/^state +damaged$/m)
  expect(stdout).toMatch(/^problem +checkpoint: expected SHA-256 .*config\.json/m)
  expect(runs(root, 'list').stdout).toMatch(/^lstm_baseline +– +damaged +– .*\n\ncheckpoint: expected SHA-256/m)
  expect(runs(root, 'restore', 'lstm_baseline')).toMatchObject({ status: 3, stderr: expect.stringContaining('BAD_CHECKPOINT') })
  expect(runs(root, 'restore', 'gru_stacked').stdout).toMatch(/restored \S*gru_stacked from save 1 of 20/)
})
it('runs rm needs --yes without a terminal, and removes no run when one of them is missing', async () => {
  const root = await folderOfRuns()
  const { status, stderr } = runs(root, 'rm', 'lstm_baseline')
  expect([status, stderr]).toEqual([2, 'BAD_OPTION: runs rm: needs --yes when there is no terminal to ask on\nfix: add --yes\n'])
  expect(existsSync(join(root, 'lstm_baseline'))).toBe(true)
  expect(runs(root, 'rm', 'lstm_baseline', 'gru_staked', '--yes').status).toBe(2)
  expect(existsSync(join(root, 'lstm_baseline'))).toBe(true)
  const document = JSON.parse(runs(root, 'rm', 'lstm_baseline', 'gru_stacked', '--yes', '--json').stdout)
  expect(document.removed.map(({ kept }: { kept: string[] }) => kept)).toEqual([[], []])
  expect(existsSync(join(root, 'lstm_baseline'))).toBe(false)
})
