import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { resolve as absolute, dirname, join } from 'node:path'
import { abortSignal, asyncDoor, callback, optional, withFields, word } from '../door.js'
import { badOption, fileError } from '../errors.js'
import { requireDisk } from '../files/disk.js'
import { removeStale } from '../files/leftovers.js'
import { npyHeader } from '../files/npy.js'
import { isShardIndex, SHARD_INDEX, type Shard, type ShardFile, type ShardIndex } from '../files/shard-index.js'
import { syncFolder, temporary, writeAll, writeNew } from '../files/write.js'
import { asCalled } from '../hints.js'
import { type Given, resolve } from '../options.js'
import { sourceOf } from '../sources/source-path.js'
import { stoppedBy } from '../stages.js'
import type { Base } from './base.js'
import { shardFields } from './data-fields.js'
import { type Data, someData } from './given-data.js'
import { openBase } from './open.js'
import { rowLines } from './row-lines.js'
import type { WriteBaseOptions } from './write-base.js'
import { cardOf } from './written-card.js'

const called = () => asCalled(['data shard', 'out'], ['shardBase', 'path'])

/** Options of `shardBase`: any field of `shardFields`, and how to watch and end it. */
export interface ShardBaseOptions extends Given<typeof shardFields>, Pick<WriteBaseOptions, 'signal' | 'onProgress'> {}
/** Result of `shardBase`. */
export interface ShardedBase {
  readonly version: 1
  readonly path: string
  readonly shards: number
  readonly rows: number
  readonly dim: number
  readonly articles: number | null
  readonly content_hash: string
}

/** Size of a shard without `rowsPerShard`. Units: bytes. */
const SHARD_BYTES = 512 << 20
/** Numbers that are written together. */
const TOGETHER = 1 << 20
/** Smallest pages of memory. A shard's elements begin where they do in one file, modulo a page, so that shards can be mapped side by side. */
const PAGE = 4096
const FIRST = 128

/** Ends of the shards: at most `most` rows each, unless an article has more; an article is never cut. */
export function shardEnds({ rows, articles }: Pick<Base, 'rows' | 'articles'>, most: number): number[] {
  const ends: number[] = []
  let [start, border] = [0, 0]
  for (let row = 1; row <= rows; row++) {
    const begins = row === rows || articles === undefined || articles.of[row] !== articles.of[row - 1]
    if (!begins) continue
    if (row - start > most && border > start) {
      ends.push(border)
      start = border
    }
    border = row
  }
  return [...ends, rows]
}

/** Offset of the elements of a shard whose first element lies `before` bytes after the first of all. */
const startOf = (before: number): number => {
  const start = (FIRST + before) % PAGE
  return start < FIRST ? start + PAGE : start
}

/** Writes a file and counts and hashes its bytes. */
async function hashing(
  folder: string,
  name: string,
  write: (add: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<ShardFile> {
  const hash = createHash('sha256')
  let bytes = 0
  const file: FileHandle = await open(join(folder, name), 'wx')
  try {
    await write(async (piece) => {
      hash.update(piece)
      bytes += piece.length
      await writeAll(file, piece)
    })
    await file.sync()
  } finally {
    await file.close()
  }
  return { name, bytes, sha256: hash.digest('hex') }
}

async function writeShards(base: Base, folder: string, most: number, read: (rows: number) => void): Promise<Shard[]> {
  const { dim, dtype, vectors } = base
  const size = dtype === 'float16' ? 2 : 4
  const step = Math.max(1, Math.floor(TOGETHER / dim))
  const lines = rowLines(base)
  const shards: Shard[] = []
  let from = 0
  for (const end of shardEnds(base, most)) {
    const name = `shard-${String(shards.length).padStart(5, '0')}`
    const [first, rows] = [from, end - from]
    const written = await hashing(folder, `${name}.npy`, async (add) => {
      await add(npyHeader(rows, dim, dtype, startOf(first * dim * size)))
      for (; from < end; from += step) {
        using part = await vectors.op('aten::narrow', 0, from, Math.min(step, end - from))
        const { buffer, byteOffset, byteLength } = await part.data()
        await add(new Uint8Array(buffer, byteOffset, byteLength))
        read(Math.min(end, from + step))
      }
      from = end
    })
    const side =
      lines &&
      (await hashing(folder, `${name}.jsonl`, async (add) => {
        for (let row = first; row < end; row += step) await add(Buffer.from(await lines(Math.min(step, end - row))))
      }))
    shards.push({ rows, vectors: written, side: side ?? null })
  }
  return shards
}

/** Requires that nothing is lost: a folder of shards is replaced only with `overwrite`, anything else never. Errors: BAD_OPTION. */
async function requireNew(path: string, overwrite: boolean, data: Data): Promise<void> {
  if (isShardIndex(path)) throw badOption(...called(), `a folder, in which ${SHARD_INDEX} is written,`, path)
  if (!existsSync(path)) return
  const names = await readdir(path).catch(() => undefined)
  if (names?.length === 0) return
  const from = typeof data === 'string' ? absolute(sourceOf(data).file) : ''
  if (from === absolute(path) || dirname(from) === absolute(path))
    throw badOption(...called(), 'a folder that does not hold the data itself', path, 'choose another name')
  if (!names?.includes(SHARD_INDEX)) throw badOption(...called(), 'a new folder, or one of shards,', path, 'choose another name')
  if (!overwrite) throw badOption(...called(), 'a new folder', path, 'choose another name, or use --overwrite')
}

/** Gives a complete folder its name; a folder that has it keeps its content under another name until then. */
async function publish(part: string, path: string): Promise<void> {
  const old = existsSync(path) ? `${path}.replaced-${process.pid}` : undefined
  if (old !== undefined) await rename(path, old)
  await rename(part, path)
  await syncFolder(dirname(path))
  if (old !== undefined) await rm(old, { recursive: true })
}

const ARGS = {
  path: word,
  data: { expected: someData.expected, accepts: someData.accepts }, // openBase loads it
  options: withFields({ signal: optional(abortSignal), onProgress: optional(callback) }),
}

/**
 * Writes rows of vectors as a folder of shards with an index, which opens as one base of the same content; an article is never cut.
 *
 * Errors: those of openBase; BAD_OPTION for sequences, and for a folder that exists, unless it holds shards and `overwrite` is set; NO_DISK; INTERRUPTED by `signal`.
 */
export const shardBase = asyncDoor(
  'shardBase',
  ARGS,
  async (path: string, data: Data, options: ShardBaseOptions = {}): Promise<ShardedBase> => {
    const { signal, onProgress, ...given } = options
    const { overwrite, rowsPerShard, source, licence, ...how } = resolve(called()[0], shardFields, given)
    const folder = absolute(path)
    await requireNew(folder, overwrite, data)
    const base = await openBase(data, how, { ...(signal && { signal }) })
    const part = temporary(dirname(folder))
    try {
      const { kind, rows, dim, dtype } = base
      if (kind === 'sequences')
        throw badOption(called()[0], 'data', 'rows of vectors, not sequences that are already windows,', base.path)
      const size = dim * (dtype === 'float16' ? 2 : 4)
      await requireDisk(dirname(folder), rows * size)
      await mkdir(dirname(folder), { recursive: true })
      await removeStale(dirname(folder))
      await mkdir(part)
      const shards = await writeShards(base, part, rowsPerShard ?? Math.max(1, Math.floor(SHARD_BYTES / size)), (done) => {
        if (signal?.aborted) throw stoppedBy(signal)
        onProgress?.({ rows: done, of: rows })
      })
      const articles = base.articles?.ids.length ?? null
      const index: ShardIndex = {
        version: 1,
        rows,
        dim,
        dtype,
        articles,
        card: cardOf(base, { source, licence }) ?? null,
        shards,
      }
      await writeNew(join(part, SHARD_INDEX), `${JSON.stringify(index, null, 1)}\n`, join(path, SHARD_INDEX))
      await syncFolder(part)
      const contentHash = await base.contentHash()
      await publish(part, folder)
      return { version: 1, path, shards: shards.length, rows, dim, articles, content_hash: contentHash }
    } catch (error) {
      throw fileError(error, `could not write ${path}`)
    } finally {
      await rm(part, { recursive: true, force: true })
      base.dispose()
    }
  },
)
