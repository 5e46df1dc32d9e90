import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { LvmError } from '../errors.js'

/** An installed package, and its folder in the bundle. */
export interface PlacedPackage {
  readonly name: string
  readonly version: string
  readonly licence: string | null
  /** Real path on this machine. */
  readonly source: string
  /** Below the bundle's `app/`, with forward slashes. */
  readonly target: string
}

interface PackageFile {
  readonly name: string
  readonly version: string
  readonly license?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const read = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFile

/** Finds the folder of a package as Node does: in the node_modules of every folder above. */
function installed(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(join(path, 'package.json'))) return realpathSync(path)
    if (folder === dirname(folder)) return undefined
  }
}

/** The package that Node would find from a folder of the bundle. */
function visible(name: string, from: string, placed: ReadonlyMap<string, PlacedPackage>): PlacedPackage | undefined {
  for (let folder = from; ; folder = posix.dirname(folder)) {
    const found = placed.get(posix.join(folder, 'node_modules', name))
    if (found !== undefined || folder === '.') return found
  }
}

/** Whether a package has to be present: an optional or peer dependency may be absent. */
const mayMiss = (file: PackageFile, name: string) =>
  file.optionalDependencies?.[name] !== undefined || file.dependencies?.[name] === undefined

/**
 * Places packages and all their dependencies in a tree where Node finds the same ones as here, at the top where possible.
 *
 * Errors: FILE_MISSING for a dependency that is not installed.
 */
export function placePackages(names: readonly string[], root: string): PlacedPackage[] {
  const placed = new Map<string, PlacedPackage>()
  const edges: { from: string; name: string; source: string }[] = []
  const open = names.map((name) => ({ name, from: '.', source: root, optional: false }))
  for (const { name, from, source: dependent, optional } of open) {
    const source = installed(name, dependent)
    if (source === undefined && optional) continue
    if (source === undefined) {
      throw new LvmError('FILE_MISSING', `bundle: expected package ${name} in node_modules but it is not installed`, {
        hint: 'run: npm ci',
      })
    }
    edges.push({ from, name, source })
    const seen = visible(name, from, placed)
    if (seen?.source === source) continue
    const target = posix.join(seen === undefined ? '.' : from, 'node_modules', name)
    const file = read(source)
    const licence = typeof file.license === 'string' ? file.license : null
    placed.set(target, { name, version: file.version, licence, source, target })
    const all = Object.keys({ ...file.dependencies, ...file.optionalDependencies, ...file.peerDependencies }).sort()
    open.push(...all.map((next) => ({ name: next, from: target, source, optional: mayMiss(file, next) })))
  }
  const wrong = edges.find(({ from, name, source }) => visible(name, from, placed)?.source !== source)
  if (wrong !== undefined)
    throw new LvmError('INTERNAL', `bundle: expected ${wrong.from} to find its own ${wrong.name} but another hides it`)
  return [...placed.values()].sort((a, b) => (a.target < b.target ? -1 : 1))
}
