import { readFileSync, writeFileSync } from 'node:fs'
import { cp, mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { textHash } from '../../lib/files/hash.js'
import { refused, scratch } from '../files/fixture.js'
import { folder, index, one, writeBoth } from './sharded.js'

beforeAll(writeBoth)

describe('a folder that differs from its index', () => {
  const broken = async (name: string, change: (path: string) => Promise<unknown> | unknown) => {
    const path = scratch(`broken-${name}`)
    await cp(folder(), path, { recursive: true })
    await change(path)
    return path
  }
  const edit = (path: string, change: (found: ReturnType<typeof index>) => void) => {
    const found = index(path)
    change(found)
    writeFileSync(join(path, 'index.json'), JSON.stringify(found))
  }
  it.each<[string, string, (path: string) => unknown, string]>([
    ['missing', 'FILE_MISSING', (path) => rm(join(path, 'shard-00002.npy')), 'shard-00002.npy'],
    ['side', 'FILE_MISSING', (path) => rm(join(path, 'shard-00001.jsonl')), 'shard-00001.jsonl'],
    ['size', 'DATA_FORMAT', (path) => writeFileSync(join(path, 'shard-00001.npy'), 'short'), 'bytes, as index.json says'],
    ['text', 'DATA_FORMAT', (path) => writeFileSync(join(path, 'index.json'), '{"version": 1'), 'index.json'],
    [
      'version',
      'DATA_FORMAT',
      (path) =>
        edit(path, (found) => {
          found.version = 2
        }),
      'version 1',
    ],
    [
      'rows',
      'DATA_FORMAT',
      (path) =>
        edit(path, (found) => {
          found.rows = 41
        }),
      '41 rows together but they have 40',
    ],
    [
      'name',
      'DATA_FORMAT',
      (path) =>
        edit(path, (found) => {
          found.shards[0].vectors.name = '../one.npy'
        }),
      'same folder',
    ],
    [
      'twice',
      'DATA_FORMAT',
      (path) =>
        edit(path, (found) => {
          found.shards[1] = { ...found.shards[0], rows: 12 }
        }),
      'named twice',
    ],
    [
      'dim',
      'DATA_SHAPE',
      (path) =>
        edit(path, (found) => {
          found.dim = 7
        }),
      'expected [10, 7]',
    ],
    [
      'dtype',
      'DATA_FORMAT',
      (path) =>
        edit(path, (found) => {
          found.dtype = 'float16'
        }),
      'float16',
    ],
  ])('is refused: %s', async (name, code, change, sentence) => {
    const path = await broken(name, change)
    expect(await refused(code as 'DATA_FORMAT', openBase(path))).toContain(sentence)
  })
  it('is refused when one bit of a shard has changed', async () => {
    const path = await broken('bit', (path) => {
      const bytes = readFileSync(join(path, 'shard-00003.npy'))
      bytes[bytes.length - 2]! ^= 1
      writeFileSync(join(path, 'shard-00003.npy'), bytes)
    })
    expect(await refused('DATA_FORMAT', openBase(path))).toMatch(/shard-00003.npy: expected the content that index.json says/)
  })
  it('is refused when an article is in two shards', async () => {
    const path = await broken('article', (path) => {
      const side = join(path, 'shard-00001.jsonl')
      const text = readFileSync(side, 'utf8').replaceAll('"a2"', '"a1"')
      writeFileSync(side, text)
      edit(path, (found) => {
        found.shards[1].side = { name: basename(side), bytes: Buffer.byteLength(text), sha256: textHash(text) }
      })
    })
    expect(await refused('DATA_FORMAT', openBase(path))).toMatch(/"a1" is in shard-00000.npy and in shard-00001.npy/)
  })
  it('is missing without an index, and ambiguous beside a file of its name', async () => {
    await mkdir(scratch('empty'))
    expect(await refused('FILE_MISSING', openBase(scratch('empty')))).toContain('expected index.json in the folder')
    await cp(one(), `${scratch('shards')}.npy`)
    expect(await refused('BAD_OPTION', openBase(scratch('shards')))).toContain('one base')
    await rm(`${scratch('shards')}.npy`)
  })
})
