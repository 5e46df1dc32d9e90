import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Env } from './paths.js'
import { anyVersion, supported, VERSION } from './pins.js'

/** A libtorch on disk. */
export interface Libtorch {
  /** Folder with `lib` and, for building against it, `include`. */
  readonly path: string
  readonly version: string
  readonly variant: 'cpu' | 'cuda'
  readonly headers: boolean
}

/** File name of a library on a platform. */
export const library = (name: string, platform = process.platform): string =>
  platform === 'win32' ? `${name}.dll` : platform === 'darwin' ? `lib${name}.dylib` : `lib${name}.so`

const text = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)

/** Version in the text of a variant.json; undefined when the text is invalid. */
function versionIn(json: string): string | undefined {
  try {
    const version: unknown = JSON.parse(json)?.version
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}

/** Reads the version from the files beside the libraries, without loading them. */
function versionOf(root: string): string | undefined {
  const own = text(join(root, 'variant.json'))
  if (own !== undefined) return versionIn(own)
  const python = /__version__ = '([^']+)'/.exec(text(join(root, 'version.py')) ?? '')?.[1]
  return python ?? text(join(root, 'build-version'))?.trim()
}

/** Inspects a folder (a libtorch, or a Python's site-packages); returns the libtorch, or the reason why none can be used. */
export function inspect(folder: string, env: Env = process.env): Libtorch | string {
  if (!existsSync(folder)) return 'there is no such folder'
  const root = [folder, join(folder, 'torch'), join(folder, 'libtorch')].find((f) =>
    existsSync(join(f, 'lib', library('torch_cpu'))),
  )
  if (root === undefined) return `it holds no lib/${library('torch_cpu')}`
  const version = versionOf(root)
  if (version === undefined) return 'its version is unknown (no version.py, build-version or variant.json)'
  if (!supported(version) && !anyVersion(env)) return `its version is ${version}, but lvm-torch needs ${VERSION}`
  return {
    path: root,
    version,
    variant: existsSync(join(root, 'lib', library('c10_cuda'))) ? 'cuda' : 'cpu',
    headers: existsSync(join(root, 'include', 'ATen')),
  }
}
