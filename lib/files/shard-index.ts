import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LvmError, shown } from '../errors.js'
import { readJsonObject } from './json.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { damaged, fileSize } from './read-file.js'

/** Name of the file that makes a folder of shards one base. */
export const SHARD_INDEX = 'index.json'
/** Whether a path names the index of a folder of shards. */
export const isShardIndex = (path: string): boolean => basename(path) === SHARD_INDEX

/** A file of a shard: its name in the folder, its size and its SHA-256. */
export interface ShardFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}
/** Consecutive rows of a base, in files of their own. */
export interface Shard {
  readonly rows: number
  readonly vectors: ShardFile
  /** Facts about each row; null when the base has none. */
  readonly side: ShardFile | null
}
/** Content of index.json. */
export interface ShardIndex {
  readonly version: 1
  readonly rows: number
  readonly dim: number
  readonly dtype: 'float16' | 'float32'
  readonly articles: number | null
  readonly card: Readonly<Record<string, unknown>> | null
  readonly shards: readonly Shard[]
}

const REMAKE = 'restore the folder from a backup, or make it again with: lvm-torch data shard BASE --out FOLDER'
/** The error of a folder of shards that differs from its index. */
export const badShards = (path: string, sentence: string) => damaged(path, sentence, undefined, REMAKE)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1
const record = (value: unknown) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {})

function parseFile(path: string, where: string, value: unknown): ShardFile {
  const { name, bytes, sha256 } = record(value)
  const plain = typeof name === 'string' && name !== '' && basename(name) === name && !/^\.{1,2}$|[\\/]/.test(name)
  if (!plain) throw badShards(path, `${where}: expected the name of a file in the same folder but received ${shown(name)}`)
  if (!isCount(bytes) || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw badShards(path, `${where}: expected the size and the SHA-256 of ${shown(name)}`)
  return { name, bytes, sha256 }
}

function parseShard(path: string, value: unknown, i: number): Shard {
  const { rows, vectors, side } = record(value)
  const where = `shard ${i}`
  if (!isCount(rows)) throw badShards(path, `${where}: expected a number of rows but received ${shown(rows)}`)
  const files = { vectors: parseFile(path, where, vectors), side: side === null ? null : parseFile(path, where, side) }
  return { rows, ...files }
}

/** Reads the index of a folder of shards; its files are not touched. Errors: FILE_MISSING, DATA_FORMAT. */
export async function readShardIndex(path: string, limits: Limits = DEFAULT_LIMITS): Promise<ShardIndex> {
  const { version, rows, dim, dtype, articles, card, shards } = await readJsonObject(path, limits)
  if (version !== 1 || !Array.isArray(shards) || shards.length === 0)
    throw badShards(path, 'expected an index of shards of version 1')
  if (!isCount(rows) || !isCount(dim) || (dtype !== 'float16' && dtype !== 'float32'))
    throw badShards(path, 'expected "rows", "dim" and "dtype" float16 or float32')
  if (!(articles === null || isCount(articles)) || typeof card !== 'object')
    throw badShards(path, 'expected "articles" and "card", or null for each')
  const all = shards.map((shard, i) => parseShard(path, shard, i))
  const sum = all.reduce((sum, shard) => sum + shard.rows, 0)
  if (sum !== rows) throw badShards(path, `expected shards of ${rows} rows together but they have ${sum}`)
  if (new Set(all.map(({ side }) => side === null)).size > 1) throw badShards(path, 'expected a side file for all shards or none')
  const names = filesOfShards({ shards: all }).map(({ name }) => name)
  if (new Set(names).size < names.length) throw badShards(path, 'expected each file once but one is named twice')
  return { version, rows, dim, dtype, articles, card: card as ShardIndex['card'], shards: all }
}

/** Files of an index, in the order in which they are hashed: all vectors, then all side files. */
export const filesOfShards = ({ shards }: Pick<ShardIndex, 'shards'>): ShardFile[] => [
  ...shards.map(({ vectors }) => vectors),
  ...shards.flatMap(({ side }) => (side === null ? [] : [side])),
]

/** Path of a file of an index. */
export const shardPath = (index: string, { name }: ShardFile): string => join(dirname(index), name)

/** Checks that every file of an index is there and has its size. Errors: FILE_MISSING, DATA_FORMAT. */
export async function checkShardSizes(path: string, index: ShardIndex): Promise<void> {
  for (const file of filesOfShards(index)) {
    const own = shardPath(path, file)
    if (!existsSync(own))
      throw new LvmError('FILE_MISSING', `${path}: expected the file ${shown(file.name)} beside it but there is none`, {
        hint: REMAKE,
      })
    const size = await fileSize(own)
    if (size !== file.bytes) throw badShards(own, `expected ${file.bytes} bytes, as index.json says, but it has ${size}`)
  }
}
