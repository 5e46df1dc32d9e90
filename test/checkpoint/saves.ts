import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Save } from '../../lib/checkpoint/generation.js'
import type { Store } from '../../lib/checkpoint/run-store.js'

/** A save like those of a training: weights, a history with the step, and a new best model in every third save. */
export function saveOf(step: number, best = step % 3 === 1, size = 3000): Save {
  const text = (value: unknown) => JSON.stringify(value)
  const weights = (path: string) => writeFile(path, Buffer.concat([Buffer.from(`${step}\n`), randomBytes(size)]))
  return {
    files: {
      'final_model.pt': weights,
      'training_history.json': text({ version: 1, step }),
      'config.json': text({ epochs: 20 }),
      ...(best ? { 'best_model.pt': weights } : {}),
    },
    keep: best ? [] : ['best_model.pt'],
    manifest: { step, model: 'lstm', golden: [0.1, -0.25, 3e-9] },
  }
}

/** Saves steps in order. */
export async function saveSteps(store: Store, from: number, to: number): Promise<void> {
  for (let step = from; step <= to; step++) await store.save(saveOf(step))
}

/** Step of a folder's files; fails if they belong to different saves. */
export function stepIn(path: string): number {
  const { step } = JSON.parse(readFileSync(join(path, 'training_history.json'), 'utf8'))
  const weights = Number.parseInt(readFileSync(join(path, 'final_model.pt'), 'latin1').split('\n')[0]!, 10)
  const best = Number.parseInt(readFileSync(join(path, 'best_model.pt'), 'latin1').split('\n')[0]!, 10)
  if (weights !== step || best !== step - ((step - 1) % 3)) throw new Error(`files of several saves: ${step} ${weights} ${best}`)
  return step
}
