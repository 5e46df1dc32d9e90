import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LvmError } from '../errors.js'
import { openZip, streamEntry, type Zip, type ZipEntry } from '../files/zip.js'

/** One file of an archive or a folder. */
export interface Member {
  /** Path with forward slashes. */
  readonly name: string
  readonly size: number
  chunks(): Chunks
}
/** The bytes of a file, piece by piece. */
export type Chunks = AsyncIterable<Buffer>

/** Turns DATA_FORMAT of a damaged archive into LIBTORCH_FETCH; returns other errors unchanged. */
const broken = (error: unknown): unknown =>
  error instanceof LvmError && error.code === 'DATA_FORMAT'
    ? new LvmError('LIBTORCH_FETCH', `libtorch: ${error.message}`, {
        cause: error,
        hint: 'download it again, or unpack it yourself and use --from FOLDER',
      })
    : error

async function* contents(zip: Zip, entry: ZipEntry): Chunks {
  try {
    yield* streamEntry(zip, entry)
  } catch (error) {
    throw broken(error)
  }
}

/** The files listed in the central directory of a zip archive. Errors: LIBTORCH_FETCH, also while a member is read. */
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

/** Describes a file as a member; follows links. */
export const fileMember = async (path: string, name: string): Promise<Member> => ({
  name,
  size: (await stat(path)).size,
  chunks: () => createReadStream(path),
})

/** The files below a folder, with `prefix` before their names. */
export async function folderMembers(folder: string, prefix: string): Promise<Member[]> {
  const found: Member[] = []
  for (const entry of await readdir(folder)) {
    const [path, name] = [join(folder, entry), `${prefix}/${entry}`]
    if ((await stat(path)).isDirectory()) found.push(...(await folderMembers(path, name)))
    else found.push(await fileMember(path, name))
  }
  return found
}
