import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import { openStore } from '../../lib/checkpoint/run-store.js'
import type { LvmError } from '../../lib/errors.js'
import { saveSteps } from './saves.js'

/** Listed names of the files of a save. */
export const FILES = ['best_model.pt', 'config.json', 'final_model.pt', 'training_history.json']

const made: string[] = []
afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** A temporary folder, removed after the test; in memory if possible, unless the disk itself is tested. */
export async function tempFolder(disk = false): Promise<string> {
  const folder = await mkdtemp(join(!disk && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lvm-checkpoint-'))
  made.push(folder)
  return folder
}

/** Copies a folder with its hard links. */
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

/** Names in a run folder, including generations. */
export const listing = (folder: string): string[] => [
  ...(existsSync(folder) ? readdirSync(folder).sort() : []),
  ...(existsSync(join(folder, 'generations')) ? readdirSync(join(folder, 'generations')).sort() : []),
]

/** A closed run with a number of saves. */
export async function runOf(saves: number): Promise<string> {
  const folder = join(await tempFolder(), 'lstm_baseline')
  const store = await openStore(folder)
  await saveSteps(store, 1, saves)
  await store.close()
  return folder
}
/** Returns the error of `work`; fails if there is none. */
export const refusal = (work: Promise<unknown>): Promise<LvmError> =>
  work.then(
    () => expect.fail('it was accepted'),
    (error) => error,
  )
/** Flips one bit of a file in place. */
export async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 1 << (at % 8)
  await file.write(byte, 0, 1, at)
  await file.close()
}
/** Replaces a file by a new one, as editors do. */
export function replace(path: string, text: string | Buffer): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}
