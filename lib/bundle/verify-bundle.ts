import { lstat, readdir, readFile } from 'node:fs/promises'
import { join, resolve as resolvePath } from 'node:path'
import { longDoor } from '../control.js'
import { only, optional, word, yesOrNo } from '../door.js'
import { LvmError } from '../errors.js'
import { sha256 } from '../files/hash.js'
import { wholeDocument } from '../files/sealed.js'
import { counted, stage } from '../stages.js'
import { BUNDLE_MANIFEST, type BundledFile, type BundleManifest } from './bundle-manifest.js'

/** Result of `verifyBundle`. */
export interface VerifiedBundle {
  readonly version: 1
  readonly folder: string
  readonly files: number
  readonly bytes: number
  /** Files whose hash was compared; the others by size only. */
  readonly hashed: number
  readonly lvm_torch: string
  readonly runs: readonly string[]
}

/** Files up to this size are hashed by a quick check too: code, addon and settings. Units: bytes */
const QUICK_BYTES = 8 << 20
/** Folders in which an unlisted file would be loaded. */
const CLOSED = ['app', 'libtorch', 'runs', 'bank']
const SHOWN = 5

async function manifestOf(folder: string): Promise<BundleManifest> {
  const path = join(folder, BUNDLE_MANIFEST)
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new LvmError(
      'FILE_MISSING',
      `bundle verify: expected an unpacked bundle in ${folder} but it has no ${BUNDLE_MANIFEST}`,
      {
        cause,
      },
    )
  })
  const manifest = wholeDocument(path, text) as unknown as BundleManifest
  if (manifest.type === 'lvm-torch bundle') return manifest
  throw new LvmError('DATA_FORMAT', `${path}: expected the manifest of a bundle but it is another file`)
}

/** Sentence about a file that is missing or differs; undefined for an intact one. */
async function fault(folder: string, { path, bytes, sha256: wanted }: BundledFile, hash: boolean): Promise<string | undefined> {
  const found = await lstat(join(folder, path)).catch(() => undefined)
  if (found === undefined) return `${path} is missing`
  if (!found.isFile()) return `${path} is not a file`
  if (found.size !== bytes) return `${path} has ${found.size} bytes instead of ${bytes}`
  if (!hash) return undefined
  return (await sha256(join(folder, path))) === wanted ? undefined : `${path} has other contents`
}

/** Paths of files that the manifest does not list. */
async function strangers(folder: string, files: readonly BundledFile[]): Promise<string[]> {
  const known = new Set(files.map(({ path }) => path))
  const found: string[] = []
  for (const part of CLOSED) {
    const entries = await readdir(join(folder, part), { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name).slice(folder.length + 1)
      if (!entry.isDirectory() && !known.has(path)) found.push(path)
    }
  }
  return found
}

/**
 * Compares an unpacked bundle with its manifest.
 *
 * Errors: FILE_MISSING without a manifest; DATA_FORMAT for files that are missing, differ or do not belong to it; INTERRUPTED.
 */
export const verifyBundle = longDoor(
  'bundle verify',
  { folder: word, options: only({ quick: optional(yesOrNo) }) },
  async (folder: string, { quick = false }: { quick?: boolean } = {}): Promise<VerifiedBundle> => {
    const root = resolvePath(folder)
    const { files, lvm_torch, runs } = await manifestOf(root)
    const isHashed = ({ bytes }: BundledFile) => !quick || bytes <= QUICK_BYTES
    const faults: string[] = []
    await stage('hash', async () => {
      for (const file of counted(files)) {
        const found = await fault(root, file, isHashed(file))
        if (found !== undefined) faults.push(found)
      }
    })
    if (!quick) faults.push(...(await strangers(root, files)).map((path) => `${path} does not belong to it`))
    if (faults.length > 0) {
      const more = faults.length > SHOWN ? ` and ${faults.length - SHOWN} more` : ''
      throw new LvmError(
        'DATA_FORMAT',
        `bundle: expected ${files.length} files as in its manifest but ${faults.slice(0, SHOWN).join(', ')}${more}`,
        { hint: 'unpack the bundle again into an empty folder' },
      )
    }
    const bytes = files.reduce((all, file) => all + file.bytes, 0)
    return {
      version: 1,
      folder: root,
      files: files.length,
      bytes,
      hashed: files.filter(isHashed).length,
      lvm_torch,
      runs: runs.map(({ name }) => name),
    }
  },
)
