import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LvmError } from '../errors.js'
import { openZip, streamEntry, type Zip, type ZipEntry } from '../files/zip.js'

/** One file of an archive or a folder. */
export interface Member {
  /** With forward slashes. */
  readonly name: string
  readonly size: number
  chunks(): Chunks
}
/** The bytes of a file, piece by piece. */
export type Chunks = AsyncIterable<Buffer>

/** An archive that cannot be read as a failed download. */
const broken = (error: unknown): unknown =>
  error instanceof LvmError && error.code === 'DATA_FORMAT'
    ? new LvmError('LIBTORCH_FETCH', `libtorch: ${error.message}`, {
        cause: error,
        hint: 'fetch it again, or unpack it yourself and use --from FOLDER',
      })
    : error

async function* contents(zip: Zip, entry: ZipEntry): Chunks {
  try {
    yield* streamEntry(zip, entry)
  } catch (error) {
    throw broken(error)
  }
}

/** The files of a zip archive, as its central directory lists them. Errors: LIBTORCH_FETCH, also while a member is read. */
export async function zipMembers(path: string): Promise<Member[]> {
  try {
    const zip = await openZip(path)
    return [...zip.entries.values()].map((entry) => ({
      name: entry.name,
      size: entry.size,
      chunks: () => contents(zip, entry),
    }))
  } catch (error) {
    throw broken(error)
  }
}

/** A file as a member; links are followed. */
export const fileMember = async (path: string, name: string): Promise<Member> => ({
  name,
  size: (await stat(path)).size,
  chunks: () => createReadStream(path),
})

/** The files below a folder, their names beginning with `prefix`. */
export async function folderMembers(folder: string, prefix: string): Promise<Member[]> {
  const found: Member[] = []
  for (const entry of await readdir(folder)) {
    const [path, name] = [join(folder, entry), `${prefix}/${entry}`]
    if ((await stat(path)).isDirectory()) found.push(...(await folderMembers(path, name)))
    else found.push(await fileMember(path, name))
  }
  return found
}
