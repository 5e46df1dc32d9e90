import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { inspectData } from '../../lib/data/inspect-data.js'
import { openBase } from '../../lib/data/open.js'
import { shardBase, shardEnds } from '../../lib/data/shard-base.js'
import { textHash } from '../../lib/files/hash.js'
import { call, Tensor } from '../../lib/torch/tensor.js'
import { baseOf, bytesOf, dice, npy, numbers, opened, refused, scratch } from '../files/fixture.js'

const [LENGTHS, DIM] = [[7, 3, 12, 1, 9, 8], 6]
const ROWS = LENGTHS.reduce((a, b) => a + b, 0)
const roll = dice(3)
const vectors = Float32Array.from({ length: ROWS * DIM }, () => roll(2000) / 1000 - 0.9995)
const lines = LENGTHS.flatMap((length, article) =>
  Array.from({ length }, (_, index) => ({
    article_id: `a${article}`,
    title: `Title ${article}`,
    index,
    text: `“${index}” of ${article}`,
    page: article,
  })),
)
const one = () => scratch('one.npy')
const folder = () => scratch('shards')
const index = (of = folder()) => JSON.parse(readFileSync(join(of, 'index.json'), 'utf8'))

beforeAll(async () => {
  writeFileSync(one(), npy('<f4', [ROWS, DIM], bytesOf(vectors)))
  writeFileSync(scratch('one.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  writeFileSync(scratch('one.card.json'), '{"space": "made", "licence": "CC0"}')
  await shardBase(folder(), one(), { rowsPerShard: 11 })
})

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
    using tensor = await Tensor.mapAll(parts, { shape: [9000], dtype: 'int32' })
    expect(await tensor.data()).toEqual(all)
    ;(await tensor.op('aten::add_.Scalar', 1)).dispose()
    expect(await tensor.data()).toEqual(all.map((value) => value + 1))
    using again = await Tensor.mapAll(parts, { shape: [9000], dtype: 'int32' })
    expect(await again.data()).toEqual(all)
    await refused('BAD_ARGUMENT', Tensor.mapAll(parts, { shape: [9001], dtype: 'int32' }))
    await refused('DATA_CHANGED', Tensor.mapAll([{ ...parts[0]!, bytes: 36_000 }], { shape: [9000], dtype: 'int32' }))
    await refused('FILE_MISSING', Tensor.mapAll([{ ...parts[0]!, path: 'gone' }], { shape: [1], dtype: 'int32' }))
  })
})

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
