import { constants } from 'node:fs'
import { copyFile, link, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const code = (error: unknown) => (error as NodeJS.ErrnoException).code ?? ''
let made = 0

/** What a kill may leave behind: the next writer removes it. */
const LEFTOVER = /^(\.tmp-\d+-\d+|lock\.[0-9a-f]{16})$/

/** A name below a folder that nobody else uses. */
export const temporary = (folder: string): string => join(folder, `.tmp-${process.pid}-${made++}`)

/** Forces a file's bytes onto the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Forces the names in a folder onto the disk, where the system can. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!['EPERM', 'EINVAL', 'EISDIR', 'EACCES', 'ENOTSUP'].includes(code(error))) throw error
  }
}

/** The same file under a second name, or a copy of it where a file has only one. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOSPC', 'EDQUOT'].includes(code(error))) throw error
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await syncFile(to)
  }
}

/** Replaces a text file: a reader sees the old text or the new one, whatever happens. */
export async function replaceText(folder: string, name: string, text: string): Promise<void> {
  const path = temporary(folder)
  try {
    await writeFile(path, text, { flush: true })
    await rename(path, join(folder, name))
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** Names in a folder; none where there is no folder. */
export async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (code(error) === 'ENOENT' || code(error) === 'ENOTDIR') return []
    throw error
  }
}

/** Removes what a killed writer left in a folder. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await names(folder)) {
    if (LEFTOVER.test(name)) await rm(join(folder, name), { recursive: true, force: true })
  }
}
