import { sha256, textHash } from '../files/hash.js'
import { fileStamp } from '../files/read-file.js'
import { badShards, filesOfShards, isShardIndex, readShardIndex, shardPath } from '../files/shard-index.js'
import type { Articles } from './base.js'

/** SHA-256 of the files of a base: of one file its own, of several that of their digests. Shards must have those of their index. Errors: FILE_MISSING, DATA_FORMAT. */
export async function hashOf(files: readonly string[]): Promise<string> {
  const digests: string[] = []
  const [first] = files
  if (first !== undefined && isShardIndex(first)) {
    for (const file of filesOfShards(await readShardIndex(first))) {
      const path = shardPath(first, file)
      const found = await sha256(path)
      if (found !== file.sha256)
        throw badShards(path, 'expected the content that index.json says, by its SHA-256, but it is another')
      digests.push(found)
    }
  } else for (const file of files) digests.push(await sha256(file))
  return digests.length === 1 ? digests[0]! : textHash(digests.map((hex) => `${hex}\n`).join(''))
}

/** Fingerprints of the files of vectors from their metadata; undefined when one is gone. */
export async function stampsOf(path: string): Promise<readonly string[] | undefined> {
  try {
    if (!isShardIndex(path)) return [await fileStamp(path)]
    const { shards } = await readShardIndex(path)
    return await Promise.all(shards.map(({ vectors }) => fileStamp(shardPath(path, vectors))))
  } catch {
    return undefined
  }
}

/** Checks that no article lies in two shards. Errors: DATA_FORMAT. */
export async function checkShardArticles(path: string, { ids, of }: Articles): Promise<void> {
  const { shards } = await readShardIndex(path)
  const shardOf = new Int32Array(ids.length).fill(-1)
  let row = 0
  for (const [i, { rows, vectors }] of shards.entries()) {
    for (const end = row + rows; row < end; row++) {
      const article = of[row]!
      const before = shardOf[article]!
      if (before >= 0 && before !== i)
        throw badShards(
          path,
          `expected every article in one shard but "${ids[article]}" is in ${shards[before]!.vectors.name} and in ${vectors.name}`,
        )
      shardOf[article] = i
    }
  }
}
