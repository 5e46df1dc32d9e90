import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { LvmError } from '../errors.js'
import { resolve } from '../packages/node-gyp-build.js'
import { findLibtorch } from './find.js'
import type { Libtorch } from './inspect-libtorch.js'
import { packageRoot } from './paths.js'
import { here } from './pins.js'
import { probe } from './probe-libtorch.js'

/** The loaded libtorch, and the addon that can now be required. */
export interface Loaded {
  /** The path of the addon. */
  readonly addon: string
  /** Folder of the libtorch that is loaded in this process. */
  readonly libtorch: string
  readonly version: string
  /** Error from loading the CUDA part; empty when it loaded or there is no driver. */
  readonly withoutCuda: string
}

/** Path of the addon for this platform: built in a clone, or shipped in the package. Errors: ADDON_MISSING. */
export function addonPath(root: string = packageRoot()): string {
  try {
    return resolve(root)
  } catch (cause) {
    throw new LvmError('ADDON_MISSING', `lvm-torch: expected its native addon for ${here} in ${root} but found none`, {
      cause,
      hint: 'in a clone run: npm run build; from npm the addon is shipped for linux-x64, linux-arm64, darwin-arm64 and win32-x64',
    })
  }
}

/** Path of loader.node, which lies in its own folder because node-gyp-build would mistake it for the addon. */
export function loaderPath(addon: string): string {
  const places = [join(dirname(addon), 'loader'), join(dirname(addon), '..', 'loader')].map((folder) =>
    join(folder, 'loader.node'),
  )
  const path = places.find((place) => existsSync(place))
  if (path === undefined)
    throw new LvmError('ADDON_MISSING', `lvm-torch: expected loader.node beside ${addon} but it does not exist`)
  return path
}

function open(addon: string, { path, version }: Libtorch): string {
  try {
    return createRequire(import.meta.url)(loaderPath(addon)).load(join(path, 'lib'))
  } catch (cause) {
    if (cause instanceof LvmError) throw cause
    const why = (cause as Error).message
    const old = /GLIBC|GLIBCXX|musl/.test(why)
    throw new LvmError(
      'LIBTORCH_MISMATCH',
      `libtorch: expected libtorch ${version} in ${path} to load but the system refused: ${why}`,
      {
        cause,
        hint: old
          ? 'this needs a Linux with glibc 2.28 or newer (Debian 10, Ubuntu 20.04, RHEL 8)'
          : 'run: npx lvm-torch libtorch install --force, then npx lvm-torch doctor',
      },
    )
  }
}

/** Loads libtorch into this process, so that the addon can be required. Errors: LIBTORCH_MISSING, LIBTORCH_MISMATCH, ADDON_MISSING. */
export function loadLibtorch(): Loaded {
  const libtorch = findLibtorch()
  const addon = addonPath()
  probe(libtorch, addon, 'cpu')
  return { addon, libtorch: libtorch.path, version: libtorch.version, withoutCuda: open(addon, libtorch) }
}
