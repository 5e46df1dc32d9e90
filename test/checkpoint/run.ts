import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { Save } from '../../lib/checkpoint/generation.js'
import type { Store } from '../../lib/checkpoint/store.js'

const made: string[] = []
afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** A folder that goes with the test; in memory where that can be, unless it is the disk itself that is tried. */
export async function tempFolder(disk = false): Promise<string> {
  const folder = await mkdtemp(join(!disk && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lvm-checkpoint-'))
  made.push(folder)
  return folder
}

/** A copy of a folder in which the same files have two names. */
export function clone(from: string, to: string, seen = new Map<number, string>()): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) clone(source, target, seen)
    else {
      const first = seen.get(statSync(source).ino)
      if (first === undefined) copyFileSync(source, target)
      else linkSync(first, target)
      seen.set(statSync(source).ino, target)
    }
  }
}

/** A save like those of a training: weights, a history that names the step, and every third time a new best model. */
export function saveOf(step: number, best = step % 3 === 1, size = 3000): Save {
  const text = (value: unknown) => (path: string) => writeFile(path, JSON.stringify(value))
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

/** Saves steps one after the other. */
export async function saveSteps(store: Store, from: number, to: number): Promise<void> {
  for (let step = from; step <= to; step++) await store.save(saveOf(step))
}

/** The step that a folder's files agree on; fails where they are of different saves. */
export function stepIn(path: string): number {
  const { step } = JSON.parse(readFileSync(join(path, 'training_history.json'), 'utf8'))
  const weights = Number.parseInt(readFileSync(join(path, 'final_model.pt'), 'latin1').split('\n')[0]!, 10)
  const best = Number.parseInt(readFileSync(join(path, 'best_model.pt'), 'latin1').split('\n')[0]!, 10)
  if (weights !== step || best !== step - ((step - 1) % 3)) throw new Error(`files of several saves: ${step} ${weights} ${best}`)
  return step
}

/** What lies in a run folder, generations included. */
export const listing = (folder: string): string[] => [
  ...(existsSync(folder) ? readdirSync(folder).sort() : []),
  ...(existsSync(join(folder, 'generations')) ? readdirSync(join(folder, 'generations')).sort() : []),
]
