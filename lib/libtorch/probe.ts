import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LvmError } from '../errors.js'
import { type Libtorch, library } from './inspect.js'
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
const stamp = (path: string) => [path, statSync(path).size, statSync(path).mtimeMs]

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
  const end =
    (child.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT'
      ? 'did not end in 2 minutes'
      : `died (${signal ?? `exit code ${status}`})`
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

/** Tries a libtorch with this Node on a device once, in a child process; a good verdict is kept until one of them changes. Errors: LIBTORCH_MISMATCH. */
export function probe(libtorch: Libtorch, addon: string, device: string): void {
  if (process.env.LVM_TORCH_TRIAL || !existsSync(script())) return
  const core = join(libtorch.path, 'lib', library('torch_cpu'))
  const key = JSON.stringify([stamp(core), stamp(addon), process.version, process.arch, device])
  const folder = join(cacheRoot(), 'trials')
  const file = join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`)
  if (existsSync(file)) return
  const trial = attempt(libtorch, device)
  // A refusal that is not a crash says more when this process meets it itself.
  if (!trial.ok && trial.crashed) throw new LvmError('LIBTORCH_MISMATCH', trial.message, { hint: trial.hint })
  if (!trial.ok) return
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, JSON.stringify({ version: 1, key: JSON.parse(key), ...trial }))
  } catch {
    // A cache that cannot be written only means that the next run tries again.
  }
}
