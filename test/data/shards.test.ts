import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { inspectData } from '../../lib/data/inspect-data.js'
import { openBase } from '../../lib/data/open.js'
import { shardBase, shardEnds } from '../../lib/data/shard-base.js'
import { textHash } from '../../lib/files/hash.js'
import { mapStretches } from '../../lib/torch/load-array.js'
import { call } from '../../lib/torch/tensor.js'
import { baseOf, bytesOf, npy, numbers, opened, refused, scratch } from '../files/fixture.js'
import { folder, index, LENGTHS, lines, one, writeBoth } from './sharded.js'

beforeAll(writeBoth)

test('shards end with an article, have at most so many rows, and hold a longer article alone', () => {
  expect(shardEnds(baseOf(LENGTHS), 11)).toEqual([10, 22, 32, 40])
  expect(shardEnds(baseOf(LENGTHS), 1)).toEqual([7, 10, 22, 23, 32, 40])
  expect(shardEnds(baseOf(LENGTHS), 1000)).toEqual([40])
  expect(shardEnds({ rows: 10 }, 4)).toEqual([4, 8, 10])
})

test('a folder of shards opens as the base it was made from', async () => {
  const facts = async (path: string) => {
    let found = {}
    await opened(path, async (base) => {
      const { rows, dim, dtype, articles, positions, titles, space, card } = base
      const texts = await base.texts()
      const few = [...(await base.textsOf([0, 21, 39]))!]
      found = { rows, dim, dtype, articles, positions, titles, space, card, texts, few, values: await numbers(base.vectors) }
      found = { ...found, content: await base.contentHash() }
    })
    return found
  }
  expect(await facts(folder())).toEqual(await facts(one()))
  expect(await facts(join(folder(), 'index.json'))).toEqual(await facts(one()))
})

test('the index names every file with its rows, size and hash, and side files keep all their keys', async () => {
  const { shards, ...about } = index()
  expect(about).toEqual({ version: 1, rows: 40, dim: 6, dtype: 'float32', articles: 6, card: { space: 'made', licence: 'CC0' } })
  expect(shards.map(({ rows }: { rows: number }) => rows)).toEqual([10, 12, 10, 8])
  const [{ vectors, side }] = shards
  expect(vectors.name).toBe('shard-00000.npy')
  const text = readFileSync(join(folder(), side.name), 'utf8')
  expect(side).toEqual({ name: 'shard-00000.jsonl', bytes: Buffer.byteLength(text), sha256: textHash(text) })
  expect(JSON.parse(text.split('\n')[7]!)).toEqual(lines[7])
  expect(readdirSync(folder())).toHaveLength(9)
})

test('inspection lists the shards as one array', async () => {
  const { format, arrays, base, error } = await inspectData(folder())
  expect({ format, arrays, error }).toMatchObject({
    format: 'shards',
    arrays: [{ name: 'vectors', shape: [40, 6] }],
    error: null,
  })
  expect(base).toMatchObject({ rows: 40, articles: { count: 6 }, side_file: join(folder(), 'index.json') })
})

test('a base without articles is cut by rows, float16 stays, and shards can be cut again', async () => {
  const half = Uint16Array.from({ length: 20 * 3 }, (_, i) => 0x3c00 + i)
  writeFileSync(scratch('half.npy'), npy('<f2', [20, 3], bytesOf(half)))
  await shardBase(scratch('half-shards'), scratch('half.npy'), { rowsPerShard: 6, space: 's' })
  expect(index(scratch('half-shards'))).toMatchObject({ articles: null, dtype: 'float16', card: { space: 's' } })
  await shardBase(scratch('half-again'), scratch('half-shards'), { rowsPerShard: 15 })
  await shardBase(scratch('again'), folder(), { rowsPerShard: 25 })
  const content = async (path: string) => {
    let hash = ''
    await opened(path, async (base) => {
      hash = await base.contentHash()
    })
    return hash
  }
  expect(await content(scratch('half-again'))).toBe(await content(scratch('half.npy')))
  expect(await content(scratch('again'))).toBe(await content(one()))
  expect(index(scratch('again')).shards).toHaveLength(2)
})

describe('large shards', () => {
  const [rows, dim] = [24_000, 375] // 36 MB; no shard ends with a page of memory
  const big = Float32Array.from({ length: rows * dim }, (_, i) => ((i * 7919) % 1009) - 504.5)
  afterAll(() => rm(scratch('big'), { recursive: true }))
  it('are mapped side by side, bit for bit, and count as changed when one of them is written to', async () => {
    writeFileSync(scratch('single.npy'), npy('<f4', [rows, dim], bytesOf(big)))
    await shardBase(scratch('big'), scratch('single.npy'), { rowsPerShard: 5000 })
    const [base, single] = [await openBase(scratch('big')), await openBase(scratch('single.npy'))]
    expect(base.mapped).toBe(process.platform === 'linux')
    expect(await call('aten::equal', [base.vectors, single.vectors])).toBe(true)
    expect(base.norms).toEqual(single.norms)
    expect(await base.changed!()).toBe(false)
    const last = join(scratch('big'), 'shard-00004.npy')
    const bytes = readFileSync(last)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(last, bytes)
    expect(await base.changed!().catch(({ code }) => code)).toBe('DATA_FORMAT')
    await refused('DATA_CHANGED', base.vectors.op('aten::sum'))
    base.dispose()
    single.dispose()
  })
})

describe('parts of files that are mapped as one tensor', () => {
  it('may begin anywhere, be smaller than a page, and be written to without a change of the files', async () => {
    const all = Int32Array.from({ length: 9000 }, (_, i) => i * 31)
    const parts = [1, 2000, 3, 4096, 2900].map((count, i, counts) => {
      const from = counts.slice(0, i).reduce((a, b) => a + b, 0)
      const offset = [128, 4 * i * 997, 4, 4096, 128][i]!
      const path = scratch(`part-${i}`, Buffer.concat([Buffer.alloc(offset), bytesOf(all.slice(from, from + count))]))
      return { path, offset, bytes: 4 * count }
    })
    using tensor = await mapStretches(parts, [9000], 'int32')
    expect(await tensor.data()).toEqual(all)
    ;(await tensor.op('aten::add_.Scalar', 1)).dispose()
    expect(await tensor.data()).toEqual(all.map((value) => value + 1))
    using again = await mapStretches(parts, [9000], 'int32')
    expect(await again.data()).toEqual(all)
    await refused('BAD_ARGUMENT', mapStretches(parts, [9001], 'int32'))
    await refused('DATA_CHANGED', mapStretches([{ ...parts[0]!, bytes: 36_000 }], [9000], 'int32'))
    await refused('FILE_MISSING', mapStretches([{ ...parts[0]!, path: 'gone' }], [1], 'int32'))
  })
})

describe('shardBase', () => {
  it('replaces shards only with overwrite, and nothing else ever', async () => {
    const to = scratch('target')
    await shardBase(to, one(), { rowsPerShard: 20 })
    const before = index(to)
    expect(await refused('BAD_OPTION', shardBase(to, one(), {}))).toContain('a new folder')
    expect(index(to)).toEqual(before)
    await shardBase(to, one(), { overwrite: true })
    expect(index(to).shards).toHaveLength(1)
    expect(await refused('BAD_OPTION', shardBase(to, to, { overwrite: true }))).toContain('does not hold the data itself')
    await mkdir(scratch('other'))
    writeFileSync(scratch('other/notes.txt'), 'mine')
    expect(await refused('BAD_OPTION', shardBase(scratch('other'), one(), { overwrite: true }))).toContain('or one of shards')
    expect(readdirSync(scratch('other'))).toEqual(['notes.txt'])
    await rename(scratch('other'), scratch('moved'))
    await refused('BAD_OPTION', shardBase(scratch('none'), one(), { rowsPerShard: 0 }))
    await refused('FILE_MISSING', shardBase(scratch('none'), scratch('gone.npy')))
  })
  it('leaves nothing behind when it is stopped', async () => {
    const stop = new AbortController()
    const onProgress = () => stop.abort()
    await refused('INTERRUPTED', shardBase(scratch('stopped'), one(), { rowsPerShard: 5, signal: stop.signal, onProgress }))
    expect(readdirSync(scratch('')).filter((name) => /stopped|^\.tmp/.test(name))).toEqual([])
  })
})
