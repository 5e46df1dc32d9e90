import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { done, readJson, runPython, SAMPLE, workFolder } from './python.js'

type Args = (string | number)[]
type Case = [name: string, model: string, ...args: Args]

const work = workFolder()
const SHORT = ['--data', SAMPLE, '--max-windows', 640, '--train-eval', 64, '--out', work]

/** The models of the specification, then every option at a small size. */
const VARIANTS: readonly Case[] = [
  ['lstm', 'lstm', '--max-steps', 12],
  ['gru', 'gru', '--max-steps', 12],
  ['transformer', 'transformer', '--max-steps', 12],
  ['lstm-mlp', 'lstm', '--preset', 'tiny', '--head', 'mlp', '--output', 'unit', '--residual', 'mean', '--max-steps', 50],
  ['lstm-scaled', 'lstm', '--preset', 'tiny', '--input-scale', 'standardize', '--residual', 'last', '--max-steps', 50],
  ['lstm-whitened', 'lstm', '--preset', 'tiny', '--input-scale', 'whiten', '--input', 'memory', '--max-steps', 50],
  ['lstm-average', 'lstm', '--preset', 'tiny', '--ema', 0.9, '--lr', 0.01, '--max-steps', 50],
  ['gru-post', 'gru', '--preset', 'tiny', '--norm', 'post', '--head', 'mlp', '--residual', 'last', '--max-steps', 50],
  ['gru-scaled', 'gru', '--preset', 'tiny', '--input-scale', 'sqrt_dim', '--output', 'unit', '--max-steps', 50],
  ['gru-checkpoint', 'gru', '--preset', 'checkpoint', '--width', 64, '--context', 9, '--max-steps', 20],
  ['transformer-mlp', 'transformer', '--preset', 'tiny', '--head', 'mlp', '--input-scale', 'standardize', '--max-steps', 50],
  ['transformer-mean', 'transformer', '--preset', 'tiny', '--residual', 'mean', '--input-scale', 'sqrt_dim', '--max-steps', 50],
  ['lstm-decay', 'lstm', '--preset', 'tiny', '--residual', 'decay', '--context', 8, '--max-steps', 50],
  ['lstm-memory', 'lstm', '--preset', 'tiny', '--residual', 'memory', '--input', 'memory', '--context', 8, '--max-steps', 50],
  [
    'transformer-strong',
    'transformer',
    '--preset',
    'tiny',
    '--heads',
    4,
    '--recipe',
    'strong',
    '--context',
    5,
    '--max-steps',
    50,
  ],
]
interface Checked {
  parameters: number
  rows: number
  predictions: number
  files: Record<string, { epoch: number; val_loss: number; parameters: number; keys: string[]; golden: number }>
}

describe('stock Python reads a checkpoint', () => {
  let checked: Checked[] = []
  beforeAll(async () => {
    const runs = VARIANTS.map(([name]) => join(work, name))
    for (const [name, model, ...args] of VARIANTS) {
      await done(work, ['train', model, '--name', name, ...SHORT, ...args])
      await done(work, ['predict', join(work, name), '--out', join(work, `${name}.npy`)])
    }
    checked = await runPython('check_checkpoint.py', SAMPLE, ...runs)
  })
  it.each(VARIANTS.map(([name], i) => [name, i] as const))('stock Python reads the checkpoint of %s', (name, i) => {
    const { rows, predictions, parameters, files } = checked[i]!
    const { history, best_epoch } = readJson(work, name, 'training_history.json')
    expect(rows).toBeGreaterThan(60)
    // The cosines of a memory magnify rounding: the script in float32 is 8e-6 from itself in float64.
    expect(predictions).toBeLessThan(name === 'lstm-memory' ? 5e-5 : 1e-5)
    for (const [file, found] of Object.entries(files)) {
      const row = file === 'best_model' ? history.find(({ epoch }: { epoch: number }) => epoch === best_epoch) : history.at(-1)
      expect(found, file).toMatchObject({ epoch: row.epoch, val_loss: row.val_loss, val_cosine: row.val_cosine, parameters })
      expect(found.keys).toEqual(expect.arrayContaining(['args', 'model_state_dict', 'optimizer_state_dict']))
      // the float32 round-off of raw outputs for random inputs is 2e-5, with the cosines of a memory 1.4e-4
      expect(found.golden, file).toBeLessThan(name === 'lstm-memory' ? 5e-4 : 5e-5)
    }
  })
})

interface Step {
  /** Largest difference of every parameter. */
  steps: number[]
  moved: number
  weights: number
  exp_avg: number
  exp_avg_sq: number
}
const STEPS: readonly Case[] = [
  ['next-frozen', 'gru', '--freeze', 'in_proj.*,core.blocks.0.*', '--lr-scale', '*.bias=0.5,head.weight=2', '--clip', 0.01],
  ['next-lstm', 'lstm', '--dropout', 0],
  ['next-gru', 'gru', '--seed', 7, '--residual', 'decay'],
  ['next-transformer', 'transformer', '--dropout', 0],
  ['next-clipped', 'lstm', '--dropout', 0, '--preset', 'tiny', '--clip', 1e-3, '--output', 'unit', '--residual', 'mean'],
  [
    'next-settings',
    'gru',
    '--preset',
    'tiny',
    '--lr',
    0.01,
    '--beta1',
    0.8,
    '--beta2',
    0.95,
    '--eps',
    1e-6,
    '--weight-decay',
    0.3,
  ],
]

describe('torch.optim.AdamW goes on from our optimizer state', () => {
  let stepped: Step[] = []
  beforeAll(async () => {
    const runs: string[] = []
    for (const [short, model, ...args] of STEPS) {
      for (const steps of [9, 10]) {
        const name = `${short}-${steps}`
        await done(work, ['train', model, '--name', name, ...SHORT, '--max-steps', steps, ...args])
        runs.push(join(work, name))
      }
    }
    stepped = await runPython('next_step.py', SAMPLE, ...runs)
  })
  it.each(STEPS.map(([name], i) => [name, i] as const))(
    'torch.optim.AdamW makes our tenth step of %s from our optimizer state',
    (_, i) => {
      const step = stepped[i]!
      expect(new Set(step.steps)).toEqual(new Set([10]))
      expect(step.moved).toBeGreaterThan(1e-4)
      expect(step.weights).toBeLessThan(1e-6)
      expect(step.exp_avg).toBeLessThan(1e-5)
      expect(step.exp_avg_sq).toBeLessThan(2e-5) // a square has twice the relative error
    },
  )
})
