import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { shardBase } from '../../lib/data/shard-base.js'
import { bytesOf, dice, npy, scratch } from '../files/fixture.js'

export const LENGTHS = [7, 3, 12, 1, 9, 8]
const DIM = 6
const ROWS = LENGTHS.reduce((a, b) => a + b, 0)
export const lines = LENGTHS.flatMap((length, article) =>
  Array.from({ length }, (_, index) => ({
    article_id: `a${article}`,
    title: `Title ${article}`,
    index,
    text: `“${index}” of ${article}`,
    page: article,
  })),
)
export const one = (): string => scratch('one.npy')
export const folder = (): string => scratch('shards')
export const index = (of = folder()) => JSON.parse(readFileSync(join(of, 'index.json'), 'utf8'))

/** Writes a base of six articles as one file, and as four shards. */
export async function writeBoth(): Promise<void> {
  const roll = dice(3)
  const vectors = Float32Array.from({ length: ROWS * DIM }, () => roll(2000) / 1000 - 0.9995)
  writeFileSync(one(), npy('<f4', [ROWS, DIM], bytesOf(vectors)))
  writeFileSync(scratch('one.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  writeFileSync(scratch('one.card.json'), '{"space": "made", "licence": "CC0"}')
  await shardBase(folder(), one(), { rowsPerShard: 11 })
}
