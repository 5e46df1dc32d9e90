import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LvmError } from '../errors.js'

/** The environment that settings are read from. */
export type Env = Readonly<Record<string, string | undefined>>

let root: string | undefined

/** The folder of this package: a clone, or node_modules/lvm-torch. */
export function packageRoot(): string {
  let folder = root ?? dirname(fileURLToPath(import.meta.url))
  while (root === undefined) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'lvm-torch') root = folder
    else if (folder === dirname(folder)) throw new LvmError('INTERNAL', 'lvm-torch: its own package.json is not above its files')
    else folder = dirname(folder)
  }
  return folder
}

function userCache(env: Env): string {
  if (process.platform === 'win32') return env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches')
  return env.XDG_CACHE_HOME || join(homedir(), '.cache')
}

/** Where lvm-torch keeps what it can fetch again; LVM_TORCH_CACHE names another parent folder. */
export const cacheRoot = (env: Env = process.env): string => join(env.LVM_TORCH_CACHE || userCache(env), 'lvm-torch')

/** Where the installed libtorch variants are. */
export const storeRoot = (env: Env = process.env): string => join(cacheRoot(env), 'libtorch')

/** The version of this package. */
export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version
