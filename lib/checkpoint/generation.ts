import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { linkOrCopy, names, replaceText, syncFile, syncFolder, temporary } from './durable.js'
import { generationFolder, generationNumbers, generationsOf, POINTER } from './folder.js'
import { textHash } from './hash.js'
import { type FileRecord, MANIFEST, manifestText, recordOf, seal } from './manifest.js'
import { type Checkpoint, pointerText } from './verify.js'

/** What a save holds. */
export interface Save {
  /** New files by name, each with what writes it to a path. */
  readonly files: Readonly<Record<string, (path: string) => Promise<void>>>
  /** Names of files carried over unchanged from the save before. */
  readonly keep?: readonly string[]
  /** What the manifest records besides the files. */
  readonly manifest: Readonly<Record<string, unknown>>
  /** Bytes that the new files will take, if known better than by those of the save before. */
  readonly bytes?: number
}

/** Renews the files that people read, the manifest last; false when another program holds one open, and it must wait. */
export async function renewTop(folder: string, { generation, path, manifest }: Checkpoint): Promise<boolean> {
  const files = [...Object.keys(manifest.files), MANIFEST]
  const before = await names(generationFolder(folder, generation - 1))
  for (const name of before) if (!files.includes(name)) await rm(join(folder, name), { force: true })
  for (const name of files) {
    const written = temporary(folder)
    try {
      await linkOrCopy(join(path, name), written)
      await rename(written, join(folder, name))
    } catch (error) {
      if (!['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      return false
    } finally {
      await rm(written, { force: true }) // a rename between two names of one file does nothing
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
      await linkOrCopy(join(before!.path, name), join(written, name))
      records[name] = before!.manifest.files[name]!
    }
    for (const [name, write] of Object.entries(files)) {
      await write(join(written, name))
      await syncFile(join(written, name))
      records[name] = await recordOf(join(written, name))
    }
    const manifest = seal({ ...fields, version: 1, generation, saved_at: new Date().toISOString(), files: records })
    await writeFile(join(written, MANIFEST), manifestText(manifest), { flush: true })
    await syncFolder(written)
    await rename(written, path)
    await syncFolder(generationsOf(folder))
    return { generation, path, manifest }
  } catch (error) {
    await rm(written, { recursive: true, force: true })
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

/** Removes the generations that no longer count, or never did. */
export async function prune(folder: string, current: number): Promise<void> {
  for (const generation of await generationNumbers(folder)) {
    if (generation > current || generation < current - 1)
      await rm(generationFolder(folder, generation), { recursive: true, force: true })
  }
}
