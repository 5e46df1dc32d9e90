import { lstat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { LvmError } from '../errors.js'
import { names } from '../files/leftovers.js'
import { shellWord } from '../show.js'
import { checkFile, damagedFile, type FileRecord, MANIFEST, type Manifest, readManifest, readText } from './manifest.js'
import { generationFolder, generationNumbers, generationsOf, isPlainFolder, isRun, POINTER, runName } from './run-folder.js'

/** One save of a run; its files stay unchanged in `path` until two later saves. */
export interface Checkpoint {
  readonly generation: number
  readonly path: string
  readonly manifest: Manifest
}
/** State of a run on disk. */
export interface Found {
  /** Undefined before the first save. */
  readonly checkpoint: Checkpoint | undefined
  /** Whether a kill came before all files at the top of the run folder were updated. */
  readonly halfRenewed: boolean
}
interface Pointer {
  readonly generation: number
  readonly manifest_sha256: string
}

export const pointerText = ({ generation, manifest_sha256 }: Pointer): string =>
  `${JSON.stringify({ generation, manifest_sha256 })}\n`

function parsePointer(path: string, text: string): Pointer {
  try {
    const pointer: Pointer = JSON.parse(text)
    if (Number.isSafeInteger(pointer.generation) && pointerText(pointer) === text) return pointer
  } catch {}
  throw damagedFile(path, 'one line of JSON with the generation and its hash', JSON.stringify(text.slice(0, 120)))
}

/** Checks one generation against its own manifest. */
async function checkGeneration(
  folder: string,
  generation: number,
  deep: boolean,
): Promise<{ checkpoint: Checkpoint; sha256: string }> {
  const path = generationFolder(folder, generation)
  if (!(await isPlainFolder(path))) throw damagedFile(path, 'a folder', 'none, or a link, which is not followed')
  const { manifest, sha256 } = await readManifest(path)
  if (manifest.generation !== generation)
    throw damagedFile(join(path, MANIFEST), `generation ${generation}`, `${manifest.generation}`)
  for (const [name, record] of Object.entries(manifest.files)) await checkFile(join(path, name), record, deep)
  return { checkpoint: { generation, path, manifest }, sha256 }
}

const passes = (check: Promise<void>) =>
  check.then(
    () => true,
    () => false,
  )

/** Records of all files of a generation by name, the manifest last. */
const recordsOf = async (path: string, manifest: Manifest, sha256: string): Promise<Record<string, FileRecord>> => ({
  ...manifest.files,
  [MANIFEST]: { sha256, bytes: (await lstat(join(path, MANIFEST))).size },
})

/**
 * Compares the files at the top of the run folder with the current generation; true if a kill left them between two generations.
 *
 * They are updated one by one, the manifest last: with a new manifest all must be new, with an old one each may be old or new.
 */
async function topIsHalfRenewed(
  folder: string,
  { generation, path, manifest }: Checkpoint,
  sha256: string,
  deep: boolean,
): Promise<boolean> {
  const records = await recordsOf(path, manifest, sha256)
  const check = async (name: string, record: FileRecord) => {
    const [top, original] = await Promise.all([lstat(join(folder, name)).catch(() => undefined), lstat(join(path, name))])
    if (top?.ino !== original.ino || top.dev !== original.dev) await checkFile(join(folder, name), record, deep)
  }
  if (await passes(check(MANIFEST, records[MANIFEST]!))) {
    for (const [name, record] of Object.entries(manifest.files)) await check(name, record)
    return false
  }
  const beforePath = generationFolder(folder, generation - 1)
  const earlier = await readManifest(beforePath).catch(() => undefined)
  const before: Record<string, FileRecord> = earlier ? await recordsOf(beforePath, earlier.manifest, earlier.sha256) : {}
  const isOld = async (name: string) => {
    if (before[name] !== undefined) return passes(checkFile(join(folder, name), before[name], deep))
    return (earlier !== undefined || generation === 1) && !(await names(folder)).includes(name)
  }
  for (const [name, record] of Object.entries(records)) {
    if ((await passes(check(name, record))) || (await isOld(name))) continue
    await check(name, record) // again, because a writer may just have updated it
  }
  return true
}

async function checkRun(folder: string, text: string, deep: boolean): Promise<Found> {
  const path = join(generationsOf(folder), POINTER)
  const pointer = parsePointer(path, text)
  const { checkpoint, sha256 } = await checkGeneration(folder, pointer.generation, deep)
  if (sha256 !== pointer.manifest_sha256) throw damagedFile(path, `manifest_sha256 ${sha256}`, pointer.manifest_sha256)
  return { checkpoint, halfRenewed: await topIsHalfRenewed(folder, checkpoint, sha256, deep) }
}

/** Checks a run that was copied without its generations: the top files are its only save. */
async function checkCopy(folder: string, deep: boolean): Promise<Found> {
  const { manifest } = await readManifest(folder)
  for (const [name, record] of Object.entries(manifest.files)) await checkFile(join(folder, name), record, deep)
  return { checkpoint: { generation: manifest.generation, path: folder, manifest }, halfRenewed: false }
}

/** Finds the newest intact generation. */
export async function newestWhole(folder: string): Promise<{ checkpoint: Checkpoint; sha256: string } | undefined> {
  for (const generation of await generationNumbers(folder)) {
    const whole = await checkGeneration(folder, generation, true).catch(() => undefined)
    if (whole !== undefined) return whole
  }
  return undefined
}

/** Name of a run as a word of the command line. */
const named = (folder: string) => shellWord(runName(relative(process.cwd(), folder) || '.'))

/** Checks the spare: the save before the current one, used to restore a damaged run; undefined if it is intact or missing. */
export async function spareProblem(folder: string, current: Checkpoint, deep: boolean): Promise<LvmError | undefined> {
  const pointer = () => readText(join(generationsOf(folder), POINTER), 4096).catch(() => undefined)
  const before = await pointer()
  const spare = (await generationNumbers(folder)).find((number) => number === current.generation - 1)
  if (spare === undefined) return undefined
  try {
    await checkGeneration(folder, spare, deep)
  } catch (error) {
    if ((await pointer()) !== before) return undefined // a writer may have saved meanwhile and removed the spare
    if (!(error instanceof LvmError)) throw error
    return new LvmError(error.code, `${error.message}; the current save ${current.generation} is intact`, {
      cause: error,
      hint: `the next save replaces it; without one, run: lvm-torch runs restore ${named(folder)}`,
    })
  }
  return undefined
}

/** Adds the newest intact generation to an error. */
async function withRescue(error: unknown, folder: string): Promise<unknown> {
  if (!(error instanceof LvmError) || error.code !== 'BAD_CHECKPOINT') return error
  const whole = await newestWhole(folder)
  if (whole === undefined) return new LvmError('BAD_CHECKPOINT', `${error.message}; no generation is intact`, { cause: error })
  const { generation, manifest } = whole.checkpoint
  return new LvmError('BAD_CHECKPOINT', `${error.message}; generation ${generation}, saved ${manifest.saved_at}, is intact`, {
    cause: error,
    hint: `to restore it, run: lvm-torch runs restore ${named(folder)}`,
  })
}

/** Finds the current checkpoint and checks every byte of it; without `deep`, large files by size only. Errors: BAD_CHECKPOINT. */
export async function inspectRun(folder: string, deep: boolean): Promise<Found> {
  const path = join(generationsOf(folder), POINTER)
  const read = () => readText(path, 4096)
  for (;;) {
    let text: string | undefined
    try {
      if (!(await isRun(folder))) return { checkpoint: undefined, halfRenewed: false }
      if (!(await names(folder)).includes('generations')) return await checkCopy(folder, deep)
      if (!(await isPlainFolder(generationsOf(folder))))
        throw damagedFile(generationsOf(folder), 'a folder', 'a link or a file; links inside a run are not followed')
      text = await read()
      return await checkRun(folder, text, deep)
    } catch (error) {
      // a writer may have saved meanwhile and removed the files being read
      if (text !== undefined && text !== (await read().catch(() => text))) continue
      throw await withRescue(error, folder)
    }
  }
}
