import { createHash } from 'node:crypto'
import { LvmError } from '../errors.js'
import { streamBytes } from '../files/read-file.js'
import { Header, Pax } from '../packages/tar.js'
import { type Entry, foldersOf } from './bundle-entries.js'
import type { BundledFile } from './bundle-manifest.js'

const BLOCK = 512
/** Time of every entry: an archive of the same files has the same bytes. */
const TIME = new Date('2000-01-01T00:00:00Z')
/** Smaller equal files are written again, because a link in the archive would save little. Units: bytes */
const LINKED_BYTES = 1 << 20

type Kind = { type: 'File' | 'Directory' | 'Link'; mode: number; size?: number; linkpath?: string }

/** Header of an entry, with a pax header before it where a name is too long for it. */
function* header(path: string, { type, mode, size = 0, linkpath = '' }: Kind): Generator<Buffer> {
  const fields = { path, type, mode, size, linkpath, mtime: TIME, uid: 0, gid: 0, uname: '', gname: '' }
  const block = Buffer.alloc(BLOCK)
  const needsPax = new Header(fields).encode(block, 0)
  // The pax header gives only the names, so that no time or user of this machine gets in.
  if (needsPax) yield new Pax({ path, ...(linkpath === '' ? {} : { linkpath }), ...(size >= 8 ** 11 ? { size } : {}) }).encode()
  yield block
}

async function* content({ from }: Entry, { path, bytes, sha256 }: BundledFile): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const piece of 'text' in from ? [Buffer.from(from.text)] : streamBytes(from.file, 0, bytes)) {
    hash.update(piece)
    yield piece
  }
  if (hash.digest('hex') !== sha256)
    throw new LvmError('DATA_CHANGED', `bundle: expected ${path} to stay unchanged while it was packed but it was written to`)
  yield Buffer.alloc(-bytes & (BLOCK - 1))
}

/**
 * Writes a tar archive as a stream: folders first, then the files in the given order; large files with equal content become hard links.
 *
 * Errors: DATA_CHANGED for a file that differs from its hash; those of reading.
 */
export async function* tarStream(entries: readonly Entry[], files: readonly BundledFile[]): AsyncGenerator<Buffer> {
  for (const folder of foldersOf(files.map(({ path }) => path))) yield* header(`${folder}/`, { type: 'Directory', mode: 0o755 })
  const written = new Map<string, string>()
  for (const [i, entry] of entries.entries()) {
    const file = files[i]!
    const mode = Number.parseInt(file.mode, 8)
    const twin = written.get(file.sha256)
    if (twin !== undefined) {
      yield* header(file.path, { type: 'Link', mode, linkpath: twin })
      continue
    }
    yield* header(file.path, { type: 'File', mode, size: file.bytes })
    yield* content(entry, file)
    if (file.bytes >= LINKED_BYTES) written.set(file.sha256, file.path)
  }
  yield Buffer.alloc(2 * BLOCK)
}
