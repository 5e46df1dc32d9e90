import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { badOption, LvmError } from '../errors.js'
import { sha256, textHash } from '../files/hash.js'
import { withLock } from '../files/wait-for-lock.js'
import { replaceText } from '../files/write.js'
import { active } from './find.js'
import { inspect } from './inspect-libtorch.js'
import { type Env, storeRoot } from './paths.js'
import type { Variant } from './unpack.js'

/** Content of `variant.json` of an installed libtorch. */
export interface Description {
  readonly version: string
  readonly variant: Variant
  readonly platform: string
  /** Files that it was unpacked from. */
  readonly source: string
  /** Whether their SHA-256 equals the one pinned in lvm-torch. */
  readonly pinned: boolean
  readonly installed_at: string
  readonly files: number
  readonly bytes: number
  /** SHA-256 of the file SHA256SUMS. */
  readonly sums: string
}
/** An installed libtorch. */
export interface Installed extends Description {
  readonly name: string
  readonly path: string
  readonly active: boolean
  readonly verdict: string
}

export const SUMS = 'SHA256SUMS'
/** All installed libtorch variants, sorted by name. */
export function installed(env: Env = process.env): Installed[] {
  const store = storeRoot(env)
  if (!existsSync(store)) return []
  const names = readdirSync(store).filter((name) => !name.endsWith('.part') && existsSync(join(store, name, 'variant.json')))
  return names.sort().map((name) => {
    const path = join(store, name)
    const found = inspect(path, env)
    const description = JSON.parse(readFileSync(join(path, 'variant.json'), 'utf8')) as Description
    return { name, path, active: name === active(env), verdict: typeof found === 'string' ? found : 'usable', ...description }
  })
}

/** Finds the installed libtorch of a name (`2.13.0-cpu` or `cpu`), or the active one. Errors: LIBTORCH_MISSING, BAD_OPTION. */
export function pick(name: string | undefined, env: Env = process.env): Installed {
  const all = installed(env)
  const named = name === undefined ? all.find((one) => one.active) : all.find((one) => one.name === name || one.variant === name)
  if (named) return named
  if (all.length === 0) throw new LvmError('LIBTORCH_MISSING', `libtorch: nothing is installed in ${storeRoot(env)}`)
  const names = all.map((one) => one.name).join(', ')
  throw badOption('libtorch', 'name', `one of ${names}`, name, 'run: npx lvm-torch libtorch list')
}

/** Makes an installed libtorch the active one. */
export async function activate(name: string, env: Env = process.env): Promise<void> {
  await replaceText(storeRoot(env), 'active', `${name}\n`)
}

/** Deletes an installed libtorch. */
export async function remove(name: string, env: Env = process.env): Promise<Installed> {
  const one = pick(name, env)
  await withLock(
    storeRoot(env),
    () => {},
    async () => {
      // Renamed first, so that a kill during deletion leaves no incomplete variant under a valid name.
      await rename(one.path, `${one.path}.part`)
      await rm(`${one.path}.part`, { recursive: true, force: true })
      if (one.active) await rm(join(storeRoot(env), 'active'), { force: true })
    },
  )
  return one
}

/** Compares every file with its SHA-256 at installation. Errors: LIBTORCH_MISMATCH with the first files that differ. */
export async function verify(name?: string, env: Env = process.env): Promise<{ name: string; files: number }> {
  const one = pick(name, env)
  const text = await readFile(join(one.path, SUMS), 'utf8').catch(() => '')
  const lines = text.split('\n').filter(Boolean)
  const wrong: string[] = textHash(text) === one.sums ? [] : [SUMS]
  for (const line of lines) {
    const [sum, path] = [line.slice(0, 64), line.slice(66)]
    if ((await sha256(join(one.path, path)).catch(() => 'missing')) !== sum) wrong.push(path)
  }
  if (wrong.length > 0) {
    const listed = `${wrong.slice(0, 5).join(', ')}${wrong.length > 5 ? ', …' : ''}`
    throw new LvmError(
      'LIBTORCH_MISMATCH',
      `libtorch verify: ${wrong.length} of ${lines.length} files of ${one.name} have changed since the installation: ${listed}`,
      {
        hint: `run: npx lvm-torch libtorch install ${one.variant} --force`,
      },
    )
  }
  return { name: one.name, files: lines.length }
}
