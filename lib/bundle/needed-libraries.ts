import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LvmError } from '../errors.js'
import { type Elf, readElf } from './elf.js'

/** The shared libraries to ship, and the demands on the system. */
export interface NeededLibraries {
  /** Paths on this machine by file name. */
  readonly shipped: ReadonlyMap<string, string>
  /** Libraries that the system provides. */
  readonly system: readonly string[]
  /** Newest version of each kind that is needed, such as `GLIBC: 2.28`. */
  readonly versions: Readonly<Record<string, string>>
}

/** Parts of glibc and GCC. Node is linked against the same libraries, so they are present wherever it runs. */
const SYSTEM = /^(ld-linux|libc|libm|libdl|libpthread|librt|libutil|libgcc_s|libstdc\+\+)[.-]/

/** Compares two versions such as `3.4.9` and `3.4.22`. */
const isOlder = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]]
  const at = x.findIndex((part, i) => part !== (y[i] ?? 0))
  return at >= 0 ? x[at]! < (y[at] ?? 0) : x.length < y.length
}

/** Keeps the newest version of each kind. */
function newest(versions: Iterable<string>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const version of versions) {
    const [, kind, number] = /^(GLIBC|GLIBCXX|CXXABI)_(\d+(?:\.\d+)*)$/.exec(version) ?? []
    if (kind !== undefined && isOlder(found[kind] ?? '0', number!)) found[kind] = number!
  }
  return found
}

/** Finds a needed library as the loader does: in the folders that the library names, else beside libtorch. */
function locate(name: string, from: string, { searched }: Elf, beside: string): string | undefined {
  const folders = searched.map((folder) => folder.replaceAll(/\$\{?ORIGIN\}?/g, dirname(from)))
  return [...folders, beside].map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/**
 * Follows the NEEDED entries of the addon and its loader to every library that has to be shipped.
 *
 * Errors: LIBTORCH_MISMATCH for a library that is neither beside libtorch nor part of glibc or GCC.
 */
export async function neededLibraries(addons: readonly string[], folder: string): Promise<NeededLibraries> {
  const [shipped, system, versions] = [new Map<string, string>(), new Set<string>(), new Set<string>()]
  const open = [...addons]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const elf = await readElf(path)
    if (elf === undefined)
      throw new LvmError('LIBTORCH_MISMATCH', `bundle: expected ${path} to be a 64-bit ELF library but it is not`)
    for (const version of elf.versions) versions.add(version)
    for (const name of elf.needed) {
      if (SYSTEM.test(name)) system.add(name)
      if (SYSTEM.test(name) || shipped.has(name)) continue
      const found = locate(name, path, elf, folder)
      if (found === undefined) {
        throw new LvmError(
          'LIBTORCH_MISMATCH',
          `bundle: expected ${name}, which ${basename(path)} needs, in ${folder} but it does not exist`,
          { hint: 'run: npx lvm-torch libtorch install, which installs a libtorch that needs no other libraries' },
        )
      }
      shipped.set(name, found)
      open.push(found)
    }
  }
  return { shipped, system: [...system].sort(), versions: newest(versions) }
}
