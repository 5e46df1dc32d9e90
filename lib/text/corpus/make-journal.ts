import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { fileError } from '../../errors.js'
import { jsonHash } from '../../files/hash.js'
import { streamBytes } from '../../files/read-file.js'
import { syncFolder, writeAll } from '../../files/write.js'

/** Names of the files of an unfinished base. */
export const PARTS = {
  settings: 'settings.json',
  scan: 'scan.jsonl',
  vectors: 'vectors.npy',
  lines: 'rows.jsonl',
  journal: 'journal.jsonl',
}

/** A stored block of rows: where its bytes end in both files, and their hashes. */
interface Block {
  readonly rows: number
  readonly vectors_end: number
  readonly vectors_sha256: string
  readonly lines_end: number
  readonly lines_sha256: string
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const sealed = (block: Block): string => `${JSON.stringify({ ...block, check: jsonHash(block).slice(0, 16) })}\n`

/** Reads the complete lines of a journal; a kill during a write leaves the beginning of one more. */
async function readBlocks(path: string): Promise<Block[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return ''
  })
  const blocks: Block[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    try {
      const { check, ...block } = JSON.parse(line) as Block & { check: string }
      if (jsonHash(block).slice(0, 16) !== check) break
      blocks.push(block)
    } catch {
      break // after a power failure the last line may hold other bytes
    }
  }
  return blocks
}

async function holds(path: string, from: number, end: number, sha256: string): Promise<boolean> {
  const hash = createHash('sha256')
  try {
    for await (const piece of streamBytes(path, from, end - from)) hash.update(piece)
  } catch {
    return false // too short
  }
  return hash.digest('hex') === sha256
}

/** The files of an unfinished base, open for appending; the caller holds the lock of the folder. */
export interface Appender {
  /** Rows that are on disk. */
  readonly rows: number
  append(rows: number, vectors: Uint8Array, lines: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Writes at a position and cuts off what an interrupted write left behind it. */
async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let at = position
  await writeAll(
    {
      write: async (buffer: Uint8Array, offset: number, length: number) => {
        const done = await file.write(buffer, offset, length, at)
        at += done.bytesWritten
        return done
      },
    } as Pick<FileHandle, 'write'>,
    bytes,
  )
}

/** Blocks whose bytes are on disk as the journal says; the first damaged one ends them. */
async function intactBlocks(path: (name: string) => string, header: number): Promise<Block[]> {
  const intact: Block[] = []
  let [vectors, lines] = [header, 0]
  for (const block of await readBlocks(path(PARTS.journal))) {
    const isWhole =
      (await holds(path(PARTS.vectors), vectors, block.vectors_end, block.vectors_sha256)) &&
      (await holds(path(PARTS.lines), lines, block.lines_end, block.lines_sha256))
    if (!isWhole) break
    intact.push(block)
    vectors = block.vectors_end
    lines = block.lines_end
  }
  return intact
}

/**
 * Opens the files of an unfinished base, and cuts off all that is not in the journal.
 *
 * A block counts when its vectors, its lines and then its journal line are on disk, in this order, so a kill at any time leaves whole blocks.
 * Errors: NO_DISK, FILE_ACCESS when writing.
 */
export async function openAppender(folder: string, header: Uint8Array): Promise<Appender> {
  const path = (name: string) => `${folder}/${name}`
  const blocks = await intactBlocks(path, header.length)
  let rows = blocks.reduce((sum, block) => sum + block.rows, 0)
  let end = { vectors: blocks.at(-1)?.vectors_end ?? header.length, lines: blocks.at(-1)?.lines_end ?? 0 }
  const opened = await Promise.all(
    [PARTS.vectors, PARTS.lines, PARTS.journal].map((name) =>
      open(path(name), 'a')
        .then((f) => f.close())
        .then(() => open(path(name), 'r+')),
    ),
  )
  const [vectorFile, lineFile, journal] = opened as [FileHandle, FileHandle, FileHandle]
  await vectorFile.truncate(end.vectors)
  await writeAt(vectorFile, header, 0)
  await lineFile.truncate(end.lines)
  const kept = Buffer.from(blocks.map(sealed).join(''))
  let journalEnd = kept.length
  await journal.truncate(journalEnd)
  await writeAt(journal, kept, 0)
  for (const file of opened) await file.sync()
  await syncFolder(folder)
  return {
    get rows() {
      return rows
    },
    async append(more, vectors, lines) {
      try {
        await Promise.all([writeAt(vectorFile, vectors, end.vectors), writeAt(lineFile, lines, end.lines)])
        await Promise.all([vectorFile.datasync(), lineFile.datasync()])
        const next = { vectors: end.vectors + vectors.length, lines: end.lines + lines.length }
        const block = {
          rows: more,
          vectors_end: next.vectors,
          vectors_sha256: hashOf(vectors),
          lines_end: next.lines,
          lines_sha256: hashOf(lines),
        }
        const line = Buffer.from(sealed(block))
        await writeAt(journal, line, journalEnd)
        await journal.datasync()
        journalEnd += line.length
        end = next
        rows += more
      } catch (error) {
        throw fileError(error, `could not write in ${folder}`)
      }
    },
    async close() {
      for (const file of opened) await file.close()
    },
  }
}
