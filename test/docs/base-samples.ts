import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npy } from '../files/fixture.js'
import type { Collector } from './collector.js'
import { DIM, writeBase } from './sample-base.js'

/** Bases that the other samples read, what is beside them, and one as a folder of shards. */
export async function bases({ folder, keep, answer, read }: Collector): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeBase(join(folder, 'data'), 'a', 250)
  writeBase(join(folder, 'val'), 'b', 30)
  keep('<base>.jsonl', JSON.parse(readFileSync(join(folder, 'data.jsonl'), 'utf8').split('\n')[0]!))
  keep('<base>.card.json', read('data.card.json'))
  await answer('data inspect --json', 'data inspect data')
  writeFileSync(join(folder, 'zero.npy'), npy('<f4', [2, DIM], new Uint8Array(8 * DIM)))
  await answer('data inspect --json', 'data inspect zero.npy')
  await answer('data shard --json', 'data shard data --out shards --rows-per-shard 500')
  keep('index.json', read('shards/index.json'))
}
