import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publish } from '../files/write.js'
import { cacheRoot } from '../libtorch/paths.js'

function all(path: string): Record<string, Record<string, string>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/** Returns what was measured on a machine, from a file of the cache. */
export const recall = (file: string, machine: string): Readonly<Record<string, string>> =>
  all(join(cacheRoot(), file))[machine] ?? {}

/** Adds measurements on a machine to a file of the cache; without a cache they are repeated in the next process. */
export async function remember(file: string, machine: string, measured: Readonly<Record<string, string>>): Promise<void> {
  const path = join(cacheRoot(), file)
  try {
    const known = all(path)
    await publish({ [path]: `${JSON.stringify({ ...known, [machine]: { ...known[machine], ...measured } }, null, 2)}\n` })
  } catch {}
}
