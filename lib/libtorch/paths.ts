import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
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

/** A setting that names a folder; one that is empty or relative counts as none, as XDG's base directory specification says. */
const folder = (path: string | undefined): string | undefined => (path !== undefined && isAbsolute(path) ? path : undefined)

/** The user's own folder, also where HOME is empty or unset. Errors: FILE_MISSING. */
function home(env: Env): string {
  const named = folder(process.platform === 'win32' ? env.USERPROFILE : env.HOME)
  if (named !== undefined) return named
  try {
    const { homedir } = userInfo()
    if (isAbsolute(homedir)) return homedir
  } catch {} // the user has no entry among the users of this machine
  throw new LvmError('FILE_MISSING', 'cache: expected a home folder to keep it in but the user has none', {
    hint: 'set LVM_TORCH_CACHE=/a/folder that only you can write',
  })
}

function userCache(env: Env): string {
  if (process.platform === 'win32') return folder(env.LOCALAPPDATA) ?? join(home(env), 'AppData', 'Local')
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Caches')
  return folder(env.XDG_CACHE_HOME) ?? join(home(env), '.cache')
}

/**
 * How another program is started so that nothing in the working folder becomes part of it: away from there, because Python takes
 * modules from where it is started (PYTHONSAFEPATH forbids that too, from 3.11 on), and Windows programs.
 */
export const apart = () => ({ cwd: packageRoot(), env: { ...process.env, PYTHONSAFEPATH: '1' } })

/** Where lvm-torch keeps what it can fetch again; LVM_TORCH_CACHE names another parent folder. */
export const cacheRoot = (env: Env = process.env): string => resolve(env.LVM_TORCH_CACHE || userCache(env), 'lvm-torch')

/** Where the installed libtorch variants are. */
export const storeRoot = (env: Env = process.env): string => join(cacheRoot(env), 'libtorch')

/** The version of this package. */
export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version
