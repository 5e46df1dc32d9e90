import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LvmError } from '../errors.js'
import { findLibtorch } from '../libtorch/find.js'
import type { Libtorch } from '../libtorch/inspect-libtorch.js'
import { addonPath, loaderPath } from '../libtorch/load-libtorch.js'
import { packageRoot } from '../libtorch/paths.js'
import { type NeededLibraries, neededLibraries } from './needed-libraries.js'

/** A package whose parts the compiled program holds. */
export interface HeldPackage {
  readonly name: string
  readonly version: string
  readonly licence: string | null
}
/** The parts of a bundle that do not depend on the runs. */
export interface Program {
  readonly addon: string
  readonly loader: string
  readonly libtorch: Libtorch
  readonly libraries: NeededLibraries
  /** Packages that the compiled program holds. */
  readonly packages: readonly HeldPackage[]
  /** Range of Node versions. */
  readonly node: string
}

/** Outside Linux every library beside libtorch is shipped, because only ELF files are read here. */
const allLibraries = (folder: string): NeededLibraries => ({
  shipped: new Map(readdirSync(folder).flatMap((name) => (name.endsWith('.dylib') ? [[name, join(folder, name)] as const] : []))),
  system: [],
  versions: {},
})

/** Finds what a bundle ships beside its runs. Errors: ADDON_MISSING, LIBTORCH_MISSING, LIBTORCH_MISMATCH, FILE_MISSING. */
export async function program(): Promise<Program> {
  const root = packageRoot()
  const libtorch = findLibtorch()
  const addon = addonPath()
  const loader = loaderPath(addon)
  const folder = join(libtorch.path, 'lib')
  const libraries = process.platform === 'linux' ? await neededLibraries([addon, loader], folder) : allLibraries(folder)
  if (!existsSync(join(root, 'dist', 'bin', 'commands', 'bundle.js')))
    throw new LvmError('FILE_MISSING', `bundle: expected the compiled program in ${join(root, 'dist')} but it does not exist`, {
      hint: 'in a clone run: npm run build',
    })
  const packages = JSON.parse(readFileSync(join(root, 'dist', 'lib', 'packages', 'packages.json'), 'utf8')) as HeldPackage[]
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } }
  return { addon, loader, libtorch, libraries, packages, node: engines.node }
}
