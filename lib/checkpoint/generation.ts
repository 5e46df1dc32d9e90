import { link, mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { asLvmError } from '../errors.js'
import { textHash } from '../files/hash.js'
import { type Content, copyWhole, replaceText, syncFile, syncFolder, temporary, writeNew } from '../files/write.js'
import { checkFile, type FileRecord, MANIFEST, manifestText, readManifest, recordOf, seal } from './manifest.js'
import { generationFolder, generationNumbers, generationsOf, isOurs, POINTER } from './run-folder.js'
import { type Checkpoint, pointerText } from './verify-save.js'

/** What a save holds. */
export interface Save {
  /** New files by name: their content, or a function that writes it to a path. */
  readonly files: Readonly<Record<string, Content | ((path: string) => Promise<void>)>>
  /** Names of files carried over unchanged from the save before. */
  readonly keep?: readonly string[]
  /** What the manifest records besides the files. */
  readonly manifest: Readonly<Record<string, unknown>>
  /** Bytes that the new files will take, if known better than by those of the save before. */
  readonly bytes?: number
}

/** The same file under a second name, or a copy of it where a file has only one. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await copyWhole(from, to)
  }
}

/** Copies a file that has to match its record, from the first folder where it does. Errors: BAD_CHECKPOINT for the first folder. */
async function copyMatching(folders: readonly string[], name: string, record: FileRecord, to: string): Promise<void> {
  let first: unknown
  for (const folder of folders) {
    try {
      await checkFile(join(folder, name), record, false)
      await copyWhole(join(folder, name), to)
      return await checkFile(to, record, true)
    } catch (error) {
      await rm(to, { force: true })
      if (asLvmError(error).code !== 'BAD_CHECKPOINT') throw error
      first ??= error
    }
  }
  throw first
}

/** Puts whole copies in the place of the damaged files of a generation, as far as other folders of the run hold them. */
export async function mendGeneration(folder: string, generation: number): Promise<void> {
  const path = generationFolder(folder, generation)
  const { manifest } = await readManifest(path)
  const others = (await generationNumbers(folder)).filter((number) => number !== generation)
  for (const [name, record] of Object.entries(manifest.files)) {
    const whole = await checkFile(join(path, name), record, true).catch(() => false)
    if (whole !== false) continue
    const part = temporary(generationsOf(folder))
    await copyMatching([folder, ...others.map((number) => generationFolder(folder, number))], name, record, part)
    await rename(part, join(path, name))
  }
}

/** Renews the files that people read, the manifest last; false when another program holds one open, and it must wait. */
export async function renewTop(folder: string, { generation, path, manifest }: Checkpoint): Promise<boolean> {
  const files = [...Object.keys(manifest.files), MANIFEST]
  const before = await readManifest(generationFolder(folder, generation - 1)).catch(() => undefined)
  for (const name of Object.keys(before?.manifest.files ?? {}))
    if (!files.includes(name)) await rm(join(folder, name), { force: true })
  for (const name of files) {
    const written = temporary(folder)
    try {
      await linkOrCopy(join(path, name), written)
      await rename(written, join(folder, name))
    } catch (error) {
      if (!['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      return false
    } finally {
      await rm(written, { force: true }).catch(() => {}) // a rename between two names of one file does nothing
    }
  }
  await syncFolder(folder)
  return true
}

/** Writes one complete generation folder, and nothing that counts yet. */
export async function writeGeneration(
  folder: string,
  generation: number,
  before: Checkpoint | undefined,
  save: Save,
): Promise<Checkpoint> {
  const { files, keep = [], manifest: fields } = save
  const written = temporary(generationsOf(folder))
  const path = generationFolder(folder, generation)
  try {
    await mkdir(written, { recursive: true })
    const records: Record<string, FileRecord> = {}
    for (const name of keep) {
      const record = before!.manifest.files[name]!
      const spare = generationFolder(folder, before!.generation - 1)
      const inSpare = await checkFile(join(spare, name), record, true).catch(() => false)
      // Two saves that are kept never share a file: the spare goes after this save, so its copy is taken where it has one.
      if (inSpare !== false) await linkOrCopy(join(spare, name), join(written, name))
      else await copyMatching([before!.path, folder], name, record, join(written, name))
      records[name] = record
    }
    for (const [name, content] of Object.entries(files)) {
      const to = join(written, name)
      if (typeof content === 'function') await content(to).then(() => syncFile(to))
      else await writeNew(to, content)
      records[name] = await recordOf(to)
    }
    const manifest = seal({ ...fields, version: 1, generation, saved_at: new Date().toISOString(), files: records })
    await writeNew(join(written, MANIFEST), manifestText(manifest))
    await syncFolder(written)
    if ((await generationNumbers(folder)).includes(generation)) await rename(path, `${path}.damaged-${Date.now()}`)
    await rename(written, path)
    await syncFolder(generationsOf(folder))
    return { generation, path, manifest }
  } catch (error) {
    await rm(written, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

const pointerTo = ({ generation, manifest }: Checkpoint) =>
  pointerText({ generation, manifest_sha256: textHash(manifestText(manifest)) })

/** Makes a generation the one that counts. */
export const point = (folder: string, checkpoint: Checkpoint) =>
  replaceText(generationsOf(folder), POINTER, pointerTo(checkpoint))

/** Gives a run that was copied without its generations its first one, in one step. */
export async function adoptCopy(folder: string, { generation, manifest }: Checkpoint): Promise<Checkpoint> {
  const written = temporary(folder)
  const path = generationFolder(folder, generation)
  const inside = join(written, basename(path))
  await mkdir(inside, { recursive: true })
  for (const name of [...Object.keys(manifest.files), MANIFEST]) await linkOrCopy(join(folder, name), join(inside, name))
  await syncFolder(inside)
  const adopted = { generation, path, manifest }
  await replaceText(written, POINTER, pointerTo(adopted))
  await rename(written, generationsOf(folder))
  await syncFolder(folder)
  return adopted
}

/** Removes a generation; a foreign folder of such a name stays. */
export async function removeGeneration(folder: string, generation: number): Promise<void> {
  const path = generationFolder(folder, generation)
  if (!(await isOurs(path))) return
  const aside = temporary(generationsOf(folder))
  await rename(path, aside) // whatever is left of it after a kill has no name that counts
  await rm(aside, { recursive: true, force: true })
}

/** Removes the generations that no longer count, or never did. */
export async function prune(folder: string, current: number): Promise<void> {
  for (const generation of await generationNumbers(folder))
    if (generation > current || generation < current - 1) await removeGeneration(folder, generation)
}
