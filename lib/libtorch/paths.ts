import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LvmError } from '../errors.js'

/** Environment variables that settings are read from. */
export type Env = Readonly<Record<string, string | undefined>>

/** Defined in what webpack bundles, where the address of a module is the one that its source had. */
declare const __webpack_require__: unknown

let root: string | undefined

const bundled = (place: string) =>
  new LvmError('BUNDLED', `lvm-torch: expected its addon and its other files around its code but the code is in ${place}`)

/** Folder of this package: a clone, or node_modules/lvm-torch. */
export function packageRoot(): string {
  if (typeof __webpack_require__ !== 'undefined') throw bundled('a bundle of webpack')
  const url: string | undefined = import.meta.url // undefined where esbuild has made CommonJS of this file
  if (url === undefined) throw bundled('a bundle of CommonJS')
  let folder = root ?? dirname(fileURLToPath(url))
  while (root === undefined) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'lvm-torch') root = folder
    else if (folder === dirname(folder)) throw bundled(fileURLToPath(url))
    else folder = dirname(folder)
  }
  return folder
}

/** A folder from a setting; undefined when the setting is empty or relative. Source: XDG base directory specification. */
const folder = (path: string | undefined): string | undefined => (path !== undefined && isAbsolute(path) ? path : undefined)

/** Home folder of the user, also when HOME is empty or unset. Errors: FILE_MISSING. */
function home(env: Env): string {
  const named = folder(process.platform === 'win32' ? env.USERPROFILE : env.HOME)
  if (named !== undefined) return named
  try {
    const { homedir } = userInfo()
    if (isAbsolute(homedir)) return homedir
  } catch {} // the user has no entry in the user database
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
 * Spawn options that keep the files of the working folder out of a child program.
 *
 * Python imports modules from its working folder (PYTHONSAFEPATH prevents that from 3.11 on), and Windows starts programs from there.
 */
export const apart = () => ({ cwd: packageRoot(), env: { ...process.env, PYTHONSAFEPATH: '1' } })

/** Cache folder of lvm-torch; LVM_TORCH_CACHE sets its parent folder. */
export const cacheRoot = (env: Env = process.env): string => resolve(env.LVM_TORCH_CACHE || userCache(env), 'lvm-torch')

/** Folder of the installed libtorch variants. */
export const storeRoot = (env: Env = process.env): string => join(cacheRoot(env), 'libtorch')

/** Version of this package. */
export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version
