// The full comparison trains 20 epochs of the specification's recipe on the real corpus here and in PyTorch (about 30 min on 2 cores):
//   LVM_TORCH_FULL=1 npx vitest run --config vitest.long.config.ts test/long/python-training -t 'whole recipe'
// LVM_TORCH_FULL=gru or LVM_TORCH_FULL=transformer compares that model instead of lstm.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HistoryRow } from '../../lib/checkpoint/run-manifest.js'
import { native } from '../../lib/native.js'
import { prepare } from '../../lib/train/prepare.js'
import { plan } from '../../lib/train/recipe.js'
import { closeSession, openSession } from '../../lib/train/session.js'
import { done, readJson, runPython, SAMPLE, shared, workFolder } from './python.js'

const work = workFolder()
const run = (name: string) => join(work, 'artifacts/lvm/models', name)
const FULL = process.env.LVM_TORCH_FULL
const STEPS = 50

/** Losses of the first steps from our trainer. */
async function losses(model: string, options: Record<string, string | number>, threads: number): Promise<number[]> {
  const planned = plan(model, options)
  const data = await prepare(planned.train)
  const { node: spec } = planned.architecture.spec({ dim: data.train.base.dim, context: planned.train.context }, planned.model)
  native.setThreads(threads)
  const session = await openSession(planned, data, { spec, device: 'cpu', threads, recompute: false })
  try {
    const found: number[] = []
    for (let step = 0; step < STEPS; step++) {
      const before = native.trainerSums(session.trainer)
      const [epoch, from] = [1 + Math.floor(step / session.steps), step % session.steps]
      await native.trainerRun(session.trainer, epoch, from, Float64Array.of(planned.train.lr))
      const after = native.trainerSums(session.trainer)
      found.push((after.loss - before.loss) / (after.windows - before.windows))
    }
    return found
  } finally {
    closeSession(session)
    data.dispose()
  }
}

describe('a plain PyTorch loop from the same weights, on the same batches, without dropout', () => {
  it.each([
    ['lstm', { dropout: 0 }],
    ['gru', {}],
    ['transformer', { dropout: 0, maxWindows: 700 }],
    ['lstm', { dropout: 0, preset: 'tiny', output: 'unit', head: 'mlp', residual: 'mean', inputScale: 'standardize', seed: 3 }],
    ['gru', { preset: 'tiny', norm: 'post', lr: 0.01, clip: 0.001, residual: 'last', batchSize: 16 }],
    ['transformer', { dropout: 0, preset: 'tiny', inputScale: 'sqrt_dim', residual: 'decay', context: 8 }],
    [
      'gru',
      {
        preset: 'tiny',
        weightDecay: 0,
        inputScale: 'sqrt_dim',
        residual: 'memory',
        input: 'memory',
        memories: 3,
        context: 8,
      },
    ],
  ] as [string, Record<string, string | number>][])(
    'a plain PyTorch loop has the losses of our trainer: %s %o',
    async (model, options) => {
      const name = `${model}-${Object.values(options).join('-')}`
      const flags = Object.entries(options).flatMap(([key, value]) => [
        `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
        value,
      ])
      await done(work, ['train', model, '--data', SAMPLE, '--epochs', 0, '--name', name, ...flags])
      const { threads } = readJson(run(name), 'config.json')
      const theirs = await runPython<number[]>('train_reference.py', run(name), SAMPLE, '--steps', STEPS)
      const ours = await losses(model, { data: SAMPLE, ...options }, threads)
      expect(ours.length).toBe(STEPS)
      for (const [i, loss] of ours.entries()) expect(Math.abs(loss / theirs[i]! - 1), `step ${i + 1}`).toBeLessThan(5e-5)
      expect(Math.min(...ours)).toBeLessThan(ours[0]!)
    },
  )

  it('a plain PyTorch loop has the history of our trainer, plateaus and clipping included', async () => {
    const options = [
      '--data',
      SAMPLE,
      '--preset',
      'tiny',
      '--lr',
      0.02,
      '--clip',
      0.01,
      '--plateau-patience',
      0,
      '--plateau-factor',
      0.3,
    ]
    await done(work, ['train', 'gru', ...options, '--epochs', 0, '--name', 'first'])
    await done(work, ['train', 'gru', ...options, '--epochs', 8, '--name', 'trained'])
    const theirs = await runPython<HistoryRow[]>('train_reference.py', run('first'), SAMPLE, '--epochs', 8)
    const { history } = readJson(run('trained'), 'training_history.json')
    for (const [i, row] of theirs.entries()) {
      for (const [key, value] of Object.entries(row))
        expect(Math.abs(history[i + 1][key] / value - 1), `${key} of epoch ${i + 1}`).toBeLessThan(1e-3)
    }
    expect(history.at(-1).lr).toBeLessThan(0.02)
  })
})

describe.runIf(FULL)('the whole recipe on the real corpus', () => {
  it('the whole recipe on the real corpus reaches the best validation cosine of PyTorch within .005', async () => {
    const model = ['gru', 'transformer'].includes(FULL!) ? FULL! : 'lstm'
    const data = shared('wiki42113.npy')
    await done(work, ['train', model, '--data', data, '--epochs', 0, '--name', 'first-weights'])
    await done(work, ['train', model, '--data', data, '--name', 'whole'])
    const theirs = await runPython<HistoryRow[]>(
      'train_reference.py',
      run('first-weights'),
      data,
      '--epochs',
      20,
      '--patience',
      6,
    )
    const { history } = readJson(run('whole'), 'training_history.json')
    const best = (rows: HistoryRow[]) => rows.reduce((a, b) => (b.val_loss < a.val_loss ? b : a)).val_cosine
    const found = { ours: best(history.slice(1)), theirs: best(theirs) }
    console.log(model, found)
    expect(Math.abs(found.ours - found.theirs)).toBeLessThan(0.005)
  })
})
