import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { asLvmError, LvmError } from '../errors.js'
import { textHash } from '../files/hash.js'
import { publishSync } from '../files/write.js'
import type { Libtorch } from './inspect-libtorch.js'
import { cacheRoot, packageRoot } from './paths.js'

/** Result of the trial of a libtorch in a child process. */
export type Trial =
  | {
      ok: true
      libtorch: string
      capability: string
      threads: number
      /** Environment variables for the spin time of idle threads, as libtorch found them. */
      idle_threads: string
      devices: { name: string; type: string; memory: number | null }[]
      milliseconds: number
      cpu_share: number | null
    }
  | { ok: false; code: string; message: string; hint: string; crashed: boolean }

const script = () => join(packageRoot(), 'dist', 'lib', 'torch', 'trial.js')
const MEGABYTE = 1 << 20

/** Fingerprint of a file: size, times and a checksum of its first and last megabyte, because a copy may keep the times. */
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

/** The libraries of a libtorch that a process loads; damage to one of them may crash it. */
const libraries = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /\.(so(\.\d+)*|dylib|dll)$/.test(name) && !/torch_python|shm/.test(name))
    .sort()
    .map((name) => join(folder, name))

/** Multiplies two matrices and runs a backward pass in a child process, so that a crash becomes a result. */
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
    const { code, message, commandHint: hint } = asLvmError(child.error) // the child did not start, so this says nothing about libtorch
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
        ? 'the process was killed, usually because memory ran out: free some memory'
        : 'run: npx lvm-torch libtorch verify, then npx lvm-torch libtorch install --force; if it fails again, see npx lvm-torch doctor',
  }
}

/** Cache key of a trial: the fingerprints of all libraries and the addon, the Node version, the CPU architecture and the device. */
export const trialKey = ({ path }: Libtorch, addon: string, device: string): string =>
  JSON.stringify([...[...libraries(join(path, 'lib')), addon].map(stamp), process.version, process.arch, device])

/** Tries a libtorch on a device in a child process; a success is cached until the library, the addon or Node changes. Errors: LIBTORCH_MISMATCH. */
export function probe(libtorch: Libtorch, addon: string, device: string): void {
  if (process.env.LVM_TORCH_TRIAL || !existsSync(script())) return
  const key = trialKey(libtorch, addon, device)
  const folder = join(cacheRoot(), 'trials')
  const file = join(folder, `${textHash(key).slice(0, 32)}.json`)
  if (existsSync(file)) return
  const trial = attempt(libtorch, device)
  // For a failure without a crash, this process reports the better error when it loads libtorch itself.
  if (!trial.ok && trial.crashed) throw new LvmError('LIBTORCH_MISMATCH', trial.message, { hint: trial.hint })
  if (!trial.ok) return
  try {
    publishSync(file, JSON.stringify({ version: 1, key: JSON.parse(key), ...trial }))
  } catch {
    // Without a writable cache the next process repeats the trial.
  }
}
