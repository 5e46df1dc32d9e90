import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { asLvmError, LvmError } from '../errors.js'
import { textHash } from '../files/hash.js'
import { publishSync } from '../files/write.js'
import type { Libtorch } from './inspect-libtorch.js'
import { cacheRoot, packageRoot } from './paths.js'

/** What a child process found out about a libtorch. */
export type Trial =
  | {
      ok: true
      libtorch: string
      capability: string
      threads: number
      devices: { name: string; type: string; memory: number | null }[]
      milliseconds: number
    }
  | { ok: false; code: string; message: string; hint: string; crashed: boolean }

const script = () => join(packageRoot(), 'dist', 'lib', 'torch', 'trial.js')
const MEGABYTE = 1 << 20

/** What tells whether a file is still the one that was tried: its times, which a copy may keep, and what stands at its ends. */
function stamp(path: string): (string | number)[] {
  const { size, mtimeMs, ctimeMs } = statSync(path)
  let sum = 0
  const file = openSync(path, 'r')
  try {
    for (const at of new Set([0, Math.max(0, size - MEGABYTE)])) {
      const end = Buffer.alloc(Math.min(size, MEGABYTE))
      sum = crc32(end.subarray(0, readSync(file, end, 0, end.length, at)), sum)
    }
  } finally {
    closeSync(file)
  }
  return [path, size, mtimeMs, ctimeMs, sum]
}

/** The libraries of a libtorch, damage to any of which may crash a process. */
const libraries = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /\.(so(\.\d+)*|dylib|dll)$/.test(name) && !/torch_python|shm/.test(name))
    .sort()
    .map((name) => join(folder, name))

/** Has a child process multiply two matrices and go backward, so that a crash is an answer. */
export function attempt({ path, version }: Libtorch, device: string): Trial {
  const env = { ...process.env, LVM_TORCH_LIBTORCH: path, LVM_TORCH_TRIAL: '1' }
  const child = spawnSync(process.execPath, [script(), device], { env, encoding: 'utf8', timeout: 120_000 })
  const { status, signal, stdout } = child
  if (status !== null && status < 128) {
    try {
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    } catch {
      return { ok: false, code: 'INTERNAL', message: child.stderr.trim(), hint: 'please report it', crashed: false }
    }
  }
  const late = (child.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT'
  if (child.error !== undefined && !late) {
    const { code, message, commandHint: hint } = asLvmError(child.error) // it was not started, which tells nothing of libtorch
    return { ok: false, code, message: `libtorch: could not try ${path}: ${message}`, hint, crashed: false }
  }
  const end = late ? 'did not end in 2 minutes' : `died (${signal ?? `exit code ${status}`})`
  return {
    ok: false,
    crashed: true,
    code: 'LIBTORCH_MISMATCH',
    message: `libtorch: expected a trial on ${device} to succeed but its process ${end}, with libtorch ${version} in ${path} and Node ${process.version}`,
    hint:
      signal === 'SIGKILL'
        ? 'it was killed, as a rule for want of memory: free some'
        : 'run: npx lvm-torch libtorch verify, then npx lvm-torch libtorch install --force; if it stays so, see npx lvm-torch doctor',
  }
}

/** All that a verdict is about: when any of it changes, a libtorch is tried again. */
export const trialKey = ({ path }: Libtorch, addon: string, device: string): string =>
  JSON.stringify([...[...libraries(join(path, 'lib')), addon].map(stamp), process.version, process.arch, device])

/** Tries a libtorch with this Node on a device once, in a child process; a good verdict is kept until one of them changes. Errors: LIBTORCH_MISMATCH. */
export function probe(libtorch: Libtorch, addon: string, device: string): void {
  if (process.env.LVM_TORCH_TRIAL || !existsSync(script())) return
  const key = trialKey(libtorch, addon, device)
  const folder = join(cacheRoot(), 'trials')
  const file = join(folder, `${textHash(key).slice(0, 32)}.json`)
  if (existsSync(file)) return
  const trial = attempt(libtorch, device)
  // A refusal that is not a crash says more when this process meets it itself.
  if (!trial.ok && trial.crashed) throw new LvmError('LIBTORCH_MISMATCH', trial.message, { hint: trial.hint })
  if (!trial.ok) return
  try {
    publishSync(file, JSON.stringify({ version: 1, key: JSON.parse(key), ...trial }))
  } catch {
    // A cache that cannot be written only means that the next run tries again.
  }
}
