import { existsSync, statSync } from 'node:fs'
import { LvmError } from '../errors.js'
import { readBytes } from './read-file.js'

/** Bytes at the beginning of a file that tell what wrote it. */
const HEAD = 1 << 16

/** The beginning of a file; empty where there is none. */
async function beginning(path: string): Promise<string> {
  if (!existsSync(path) || !statSync(path).isFile()) return ''
  return (await readBytes(path, 0, Math.min(HEAD, statSync(path).size))).toString('utf8')
}

/**
 * Requires that writing files loses nothing: each is new, or an earlier call of the same verb wrote it, as the beginning of `told` shows.
 *
 * Errors: BAD_OPTION.
 */
export async function requireReplaceable(owner: string, paths: readonly string[], told: string, sign: RegExp): Promise<void> {
  const taken = paths.find((path) => existsSync(path))
  if (taken === undefined) return
  if (sign.test(await beginning(told))) return
  throw new LvmError('BAD_OPTION', `${owner}: expected a new file for "out" but ${taken} exists, and ${owner} did not write it`, {
    hint: 'choose another name, or remove the file',
  })
}
