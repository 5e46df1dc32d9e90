import { stat } from 'node:fs/promises'
import { sha256, textHash } from '../files/hash.js'
import type { Entry } from './bundle-entries.js'
import type { HeldPackage } from './program.js'

/** Name of the manifest in a bundle. */
export const BUNDLE_MANIFEST = 'manifest.json'

/** A file of a bundle. */
export interface BundledFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  /** Permissions in octal: `755` for programs, `644` for others. */
  readonly mode: string
}
/** A run of a bundle. */
export interface BundledRun {
  readonly name: string
  readonly model: string
  readonly dim: number
  readonly context: number
  /** How far back contexts reach, and the fewest vectors of one; null when all have `context`. */
  readonly history: number | 'article' | null
  readonly min_history: number | null
  readonly parameters: number
  readonly space: string | null
  /** SHA-256 of the canonical JSON of its own manifest. */
  readonly digest: string
}
/** Content of `manifest.json` of a bundle. */
export interface BundleManifest {
  readonly version: 1
  readonly type: 'lvm-torch bundle'
  readonly lvm_torch: string
  readonly libtorch: string
  readonly platform: string
  readonly arch: string
  /** Range of Node versions. */
  readonly node: string
  /** Oldest glibc that all libraries run on; null outside Linux. */
  readonly glibc: string | null
  /** Newest symbol version of libstdc++ that is needed; null outside Linux. */
  readonly glibcxx: string | null
  /** Libraries that the system has to provide; Node needs them too. */
  readonly system_libraries: readonly string[]
  readonly runs: readonly BundledRun[]
  /** Vectors of the bank. */
  readonly bank: string | null
  readonly packages: readonly HeldPackage[]
  /** Sorted by path. */
  readonly files: readonly BundledFile[]
}

/** Sizes of the entries; the manifest is not among them. Units: bytes */
export const entryBytes = async ({ from }: Entry): Promise<number> =>
  'text' in from ? Buffer.byteLength(from.text) : (await stat(from.file)).size

/** Describes every entry; `read` receives the bytes hashed so far. */
export async function describeFiles(entries: readonly Entry[], read: (bytes: number) => void): Promise<BundledFile[]> {
  const files: BundledFile[] = []
  let before = 0
  for (const entry of entries) {
    const { path, from, executable } = entry
    const bytes = await entryBytes(entry)
    const start = before
    const sum = 'text' in from ? textHash(from.text) : await sha256(from.file, (done) => read(start + done))
    files.push({ path, bytes, sha256: sum, mode: executable ? '755' : '644' })
    before += bytes
  }
  return files
}
