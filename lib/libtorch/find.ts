import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { LvmError } from '../errors.js'
import { inspect, type Libtorch } from './inspect-libtorch.js'
import { apart, type Env, packageRoot, storeRoot } from './paths.js'
import { here, LIBTORCH_PACKAGE, VERSION } from './pins.js'

/** One location that was searched. */
export interface Step {
  readonly source: string
  readonly path: string | null
  /** `usable`, or the reason against it. */
  readonly verdict: string
  readonly libtorch?: Libtorch
}

/** Inspects one location. */
export const step = (source: string, path: string, env: Env = process.env): Step => {
  const found = inspect(path, env)
  return typeof found === 'string' ? { source, path, verdict: found } : { source, path, verdict: 'usable', libtorch: found }
}

/** Finds the folder of a Python's torch without importing it. */
function pythonTorch(python: string): string | undefined {
  const script = "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
  try {
    const options = { ...apart(), encoding: 'utf8', stdio: 'pipe', timeout: 30_000 } as const
    return execFileSync(python, ['-c', script], options).trim() || undefined
  } catch {
    return undefined
  }
}

/** Inspects the torch of a Python: `1` for python3, or a path. */
export function fromPython(setting: string, source: string, env: Env = process.env): Step {
  const python = setting === '1' ? 'python3' : /[\\/]/.test(setting) ? resolve(setting) : setting
  const path = pythonTorch(python)
  return path === undefined
    ? { source, path: python, verdict: 'this Python does not run, or has no torch' }
    : step(source, path, env)
}

/** Name of the installed variant in use; undefined when there is none. */
export function active(env: Env = process.env): string | undefined {
  const file = join(storeRoot(env), 'active')
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
}

/** Folder of the package with the libtorch of this platform, where `root` finds it. */
function platformPackage(root: string): string | undefined {
  try {
    return dirname(createRequire(join(root, 'package.json')).resolve(`${LIBTORCH_PACKAGE}/package.json`))
  } catch {
    return undefined
  }
}

/** The possible locations of libtorch in order of preference, inspected one by one. */
export function* steps(env: Env = process.env, root: string = packageRoot()): Generator<Step> {
  const folder = env.LVM_TORCH_LIBTORCH
  yield folder ? step('LVM_TORCH_LIBTORCH', folder, env) : { source: 'LVM_TORCH_LIBTORCH', path: null, verdict: 'not set' }
  const python = env.LVM_TORCH_USE_PYTORCH
  const off = !python || python === '0'
  yield off
    ? { source: 'LVM_TORCH_USE_PYTORCH', path: null, verdict: 'not set' }
    : fromPython(python, 'LVM_TORCH_USE_PYTORCH', env)
  const name = active(env)
  yield name
    ? step('installed', join(storeRoot(env), name), env)
    : { source: 'installed', path: storeRoot(env), verdict: 'nothing is installed' }
  const beside = platformPackage(root)
  yield beside
    ? step('platform package', beside, env)
    : { source: 'platform package', path: null, verdict: `${LIBTORCH_PACKAGE} is not installed` }
}

/** Searches for a libtorch; an unusable location that an environment variable names ends the search with a failure. */
export function search(env: Env = process.env, root: string = packageRoot()): { libtorch?: Libtorch; tried: Step[] } {
  const tried: Step[] = []
  for (const one of steps(env, root)) {
    tried.push(one)
    if (one.libtorch) return { libtorch: one.libtorch, tried }
    if (one.path !== null && one.source.startsWith('LVM_')) break
  }
  return { tried }
}

/** Finds the libtorch to use. Errors: LIBTORCH_MISSING, LIBTORCH_MISMATCH, with all locations tried and the fixes. */
export function findLibtorch(env: Env = process.env): Libtorch {
  const { libtorch, tried } = search(env)
  if (libtorch) return libtorch
  const last = tried.at(-1)!
  const named = last.source.startsWith('LVM_')
  const wrong = tried.find(({ verdict }) => verdict.startsWith('its version is'))
  const lines = tried.map(({ source, path, verdict }) => `  ${source}${path === null ? '' : ` ${path}`}: ${verdict}`)
  const fixes = [
    named ? `unset ${last.source}, or let it name a libtorch ${VERSION}` : 'npx lvm-torch libtorch install',
    `npm install ${LIBTORCH_PACKAGE} (without Python)`,
    'npx lvm-torch libtorch install --from FILE.whl|FILE.zip|FOLDER (offline)',
    'LVM_TORCH_USE_PYTORCH=1 (a Python that has torch)',
    'LVM_TORCH_LIBTORCH=/folder/of/libtorch',
  ]
  const sentence = wrong
    ? `libtorch: expected version ${VERSION} but ${wrong.source} ${wrong.path} does not serve: ${wrong.verdict}`
    : `libtorch: expected libtorch ${VERSION} for ${here} but found none`
  throw new LvmError(wrong ? 'LIBTORCH_MISMATCH' : 'LIBTORCH_MISSING', `${sentence}\n${lines.join('\n')}`, {
    hint: `one of these:\n  ${fixes.join('\n  ')}`,
  })
}
