import { link, mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { asLvmError } from '../errors.js'
import { textHash } from '../files/hash.js'
import { type Content, copyWhole, replaceText, syncFile, syncFolder, temporary, writeNew } from '../files/write.js'
import { checkFile, type FileRecord, MANIFEST, manifestText, readManifest, recordOf, seal } from './manifest.js'
import { generationFolder, generationNumbers, generationsOf, isOurs, POINTER } from './run-folder.js'
import { type Checkpoint, pointerText } from './verify-save.js'

/** Content of a save. */
export interface Save {
  /** New files by name: their content, or a function that writes it to a path. */
  readonly files: Readonly<Record<string, Content | ((path: string) => Promise<void>)>>
  /** Names of files kept unchanged from the previous save. */
  readonly keep?: readonly string[]
  /** Manifest entries other than the files. */
  readonly manifest: Readonly<Record<string, unknown>>
  /** Size of the new files in bytes; estimated from the previous save if absent. */
  readonly bytes?: number
}

/** Hard-links a file, or copies it where the file system has no hard links. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await copyWhole(from, to)
  }
}

/** Copies a file from the first folder where it matches its record. Errors: BAD_CHECKPOINT of the first folder if none matches. */
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

/** Replaces damaged files of a generation by intact copies from other folders of the run. */
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

/** Updates the files at the top of the run folder, the manifest last; returns false while another program holds one open. */
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
      await rm(written, { force: true }).catch(() => {}) // rename keeps the source if both names link to one file
    }
  }
  await syncFolder(folder)
  return true
}

/** Writes a complete generation folder, without making it the current one. */
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
      // The two kept saves must not share a file. The spare save is removed after this one, so its file can be linked.
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

/** Makes a generation the current one. */
export const point = (folder: string, checkpoint: Checkpoint) =>
  replaceText(generationsOf(folder), POINTER, pointerTo(checkpoint))

/** Creates the first generation of a run that was copied without its generations, atomically. */
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

/** Removes a generation; a folder of that name that is not ours stays. */
export async function removeGeneration(folder: string, generation: number): Promise<void> {
  const path = generationFolder(folder, generation)
  if (!(await isOurs(path))) return
  const aside = temporary(generationsOf(folder))
  await rename(path, aside) // after a kill the remains have a temporary name
  await rm(aside, { recursive: true, force: true })
}

/** Removes all generations except the current one and the one before it. */
export async function prune(folder: string, current: number): Promise<void> {
  for (const generation of await generationNumbers(folder))
    if (generation > current || generation < current - 1) await removeGeneration(folder, generation)
}
