import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Data } from '../../lib/data/given-data.js'
import { inspectData } from '../../lib/data/inspect-data.js'
import { type OpenOptions, openBase } from '../../lib/data/open.js'
import { writeBase } from '../../lib/data/write-base.js'
import type { LvmError } from '../../lib/errors.js'
import { dice, numbers, opened, refused, scratch } from '../files/fixture.js'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const [ROWS, DIM] = [60, 4]
const roll = dice(7)
const flat = Float32Array.from({ length: ROWS * DIM }, () => roll(2000) / 1000 - 0.9995)
flat[5] = -0
const facts = {
  articles: Array.from({ length: ROWS }, (_, i) => `a ${Math.floor(i / 12)}`),
  positions: Array.from({ length: ROWS }, (_, i) => i % 12),
  texts: Array.from({ length: ROWS }, (_, i) => `“${i}”, said "she",\nin two lines`),
}
const vectorOf = (i: number) => Array.from(flat.subarray(i * DIM, (i + 1) * DIM))
const about = async (data: Data, options?: OpenOptions) => {
  const base = await openBase(data, options)
  try {
    const { rows, articles, path, hash } = base
    return { path, rows, ids: articles?.ids, texts: (await base.texts())?.[3], hash, content: await base.contentHash() }
  } finally {
    base.dispose()
  }
}
const hintOf = async (promise: Promise<unknown>) => ((await promise.catch((error: unknown) => error)) as LvmError).hint

let before: string | undefined
beforeAll(() => {
  before = process.env.LVM_TORCH_DATA_CACHE
  process.env.LVM_TORCH_DATA_CACHE = scratch('cache')
})
afterAll(() => {
  if (before === undefined) delete process.env.LVM_TORCH_DATA_CACHE
  else process.env.LVM_TORCH_DATA_CACHE = before
})

describe('files that pyarrow, pandas and h5py wrote', () => {
  it.each(['list.parquet', 'pandas.parquet', 'lz4.feather', 'zstd.feather', 'stream.arrows', 'list.h5'])(
    '%s has the same rows as all others',
    async (name) => {
      await opened(fixture(name), async (base) => {
        expect(base).toMatchObject({ rows: 40, dim: 8, dtype: 'float32', path: fixture(name) })
        expect(base.articles?.ids).toEqual(['a0', 'a1', 'a2', 'a3'])
        expect(base.positions?.[11]).toBe(1)
        expect((await base.texts())?.[39]).toBe('s 39')
        expect((await numbers(base.vectors))[9]).toBeCloseTo(-1.26542151, 7)
        expect(base.hash).toBe((await about(fixture('list.parquet'))).hash)
      })
    },
  )
  it('vectors of float16 in Parquet are read as float16', async () => {
    await opened(fixture('half.parquet'), async (base) => {
      expect(base.dtype).toBe('float16')
      expect((await numbers(base.vectors))[9]).toBe(-1.265625)
    })
  })
})

it.each(['half', '/swapped/half', '/swapped/single'])('HDF5 numbers of %s are read, float16 as float16', async (name) => {
  await opened(`${fixture('half.h5')}#${name}`, async (base) => {
    expect(base.dtype).toBe(name.endsWith('half') ? 'float16' : 'float32')
    expect((await numbers(base.vectors))[9]).toBeCloseTo(-1.26542151, name.endsWith('half') ? 3 : 7)
  })
})

describe('every format that is written can be read', () => {
  const data = { vectors: flat, ...facts }
  it.each(['npy', 'safetensors', 'parquet', 'arrow', 'arrows', 'feather', 'jsonl', 'csv', 'pt'])(
    '.%s gives the same content hash',
    async (ending) => {
      const path = scratch(`same-${ending}.${ending}`)
      const written = await writeBase(path, data, { space: 'test' })
      const found = await about(path)
      expect(found).toMatchObject({ rows: ROWS, texts: facts.texts[3], content: written.content_hash })
      expect(found.content).toBe((await about(data)).content)
      expect(JSON.parse(readFileSync(scratch(`same-${ending}.card.json`), 'utf8'))).toEqual({ space: 'test' })
    },
  )
  it.each(['npy', 'safetensors', 'parquet', 'arrow', 'jsonl', 'csv', 'pt'])(
    '.%s keeps the categories of the articles',
    async (ending) => {
      const base = scratch(`listed-${ending}.npy`)
      await writeBase(base, { vectors: flat, ...facts })
      const lines = facts.articles.map((id, i) => ({
        article_id: id,
        index: facts.positions[i],
        ...(id !== 'a 4' && { categories: [`kind ${i < 24}`, 'a, "b"', ...(i < 12 ? ['x;y', '[z'] : [])] }),
      }))
      writeFileSync(scratch(`listed-${ending}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      const path = scratch(`categories-${ending}.${ending}`)
      await writeBase(path, base)
      const found = await openBase(path)
      expect([...found.categories!]).toEqual(
        ['a 0', 'a 1', 'a 2', 'a 3'].map((id, i) => [id, [`kind ${i < 2}`, 'a, "b"', ...(i < 1 ? ['x;y', '[z'] : [])]]),
      )
      found.dispose()
    },
  )
  it('memory, lists, tensors and iterables give the same content hash', async () => {
    const rows = facts.articles.map((article, i) => ({
      vector: vectorOf(i),
      article,
      position: facts.positions[i]!,
      text: facts.texts[i]!,
    }))
    async function* later() {
      yield* rows
    }
    const base = await openBase(data)
    const forms: Data[] = [
      { ...facts, vectors: rows.map(({ vector }) => vector) },
      { ...facts, vectors: base.vectors },
      rows,
      new Set(rows),
      later(),
    ]
    for (const form of forms)
      expect(await about(form)).toMatchObject({ ids: ['a 0', 'a 1', 'a 2', 'a 3', 'a 4'], content: await base.contentHash() })
    expect(base.path).toMatch(/^memory:[0-9a-f]{16}$/)
    expect((await about(base.path)).content).toBe(await base.contentHash())
    base.dispose()
  })
  it('a file is converted once, and again when it has changed', async () => {
    const path = scratch('changing.csv', 'a0,a1\n1,2\n3,4\n')
    const first = (await about(path)).content
    expect((await about(path)).content).toBe(first)
    writeFileSync(path, 'a0,a1\n1,2\n3,5\n')
    expect((await about(path)).content).not.toBe(first)
  })
})

describe('columns', () => {
  const row = (i: number) => JSON.stringify({ id: `d${i >> 1}`, small: [i, 1], large: [i, 1, 2], note: 'x' })
  const several = () => scratch('several.jsonl', `${[0, 1, 2, 3].map(row).join('\n')}\n`)
  it('asks which of several columns of vectors to read', async () => {
    expect(await refused('BAD_OPTION', openBase(several()))).toMatch(/one column of vectors but there are "small", "large"/)
    expect(await hintOf(openBase(several()))).toContain('"vectors"')
    expect((await about(several(), { vectors: 'large' })).rows).toBe(4)
    expect(await refused('BAD_OPTION', openBase(several(), { vectors: 'huge' }))).toMatch(/received "huge"/)
  })
  it('the columns are a part of the path, so that a run finds them again', async () => {
    const { path } = await about(several(), { vectors: 'large', articles: 'id' })
    expect(path).toBe(`${several()}#vectors=large&articles=id`)
    expect((await about(path)).ids).toEqual(['d0', 'd1'])
    expect(await refused('BAD_OPTION', openBase(`${several()}#colour=red`))).toMatch(/FILE#NAME/)
    const odd = scratch('odd.jsonl', '{"50 % & more=all":[1,2],"b":[1]}\n')
    const named = await about(odd, { vectors: '50 % & more=all' })
    expect((await about(named.path)).content).toBe(named.content)
    expect(await refused('BAD_OPTION', openBase(`${odd}#%zz`))).toMatch(/%zz/)
    expect(await refused('BAD_OPTION', openBase(odd, { vectors: '\ud800' }))).toMatch(/expected one of/)
  })
  it('data inspect says the format and both hashes', async () => {
    const { base, format } = await inspectData(several(), { vectors: 'small' })
    expect(format).toBe('jsonl')
    expect(base).toMatchObject({ rows: 4, dim: 2, content_hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })
  it('a comma file without a header, or with lists as text, is read too', async () => {
    expect(await about(scratch('bare.csv', '1,2\n3,4\n'))).toMatchObject({ rows: 2, ids: undefined })
    expect(await about(scratch('pandas.csv', '0,1\n1,2\n3,4\n'))).toMatchObject({ rows: 2 })
    expect(await about(scratch('lists.csv', 'doc,v\na,"[1.5e-05, 2]"\nb,"[3, 4E+1]"'))).toMatchObject({
      rows: 2,
      ids: ['a', 'b'],
    })
    expect(await about(scratch('mac.csv', 'e0,e1\r1,2\r3,4\r'))).toMatchObject({ rows: 2 })
    const odd = scratch('odd.csv', '\ufeffarticle_id;text;e0;e1\r\na;"one\r\n""two""";1;2\r\n\r\na;;3;4')
    expect(await about(odd)).toMatchObject({ rows: 2, ids: ['a'] })
    await opened(odd, async (base) => expect(await base.texts()).toEqual(['one\r\n"two"', '']))
    expect(await about(scratch('lists.tsv', 'doc\tv\nx\t[1, 2]\nx\t[3 4]\n'))).toMatchObject({ rows: 2, ids: ['x'] })
  })
})

describe('wrong input', () => {
  const wrong: [name: string, content: string | Buffer, code: ConstructorParameters<typeof LvmError>[0], message: RegExp][] = [
    ['empty.parquet', '', 'DATA_FORMAT', /Parquet/],
    ['noise.arrow', 'ARROW1\0\0abcdefghijklmnop', 'DATA_FORMAT', /damaged/],
    ['short.csv', 'a0,a1\n1,2\n3\n', 'DATA_FORMAT', /row 3 has 1 cells/],
    ['word.csv', 'a0,a1\n1,2\n3,x\n', 'DATA_FORMAT', /word\.csv: row 3: expected a number in column a1 but received "x"/],
    ['bare.csv', '0.5,1\n0.25,x\n', 'DATA_FORMAT', /row 2: expected a number in column 2 but received "x"/],
    ['gap.csv', 'a0,a1\n1,2\n3,NaN\n', 'DATA_NOT_FINITE', /gap\.csv/],
    ['empty.csv', 'a0,a1\n1,2\n3,\n', 'DATA_NOT_FINITE', /empty\.csv/],
    ['uneven.jsonl', '{"v":[1,2]}\n{"v":[1,2,3]}\n', 'DATA_SHAPE', /row 1 has 3/],
    ['none.jsonl', '{"v":[1,2]}\n{"v":null}\n', 'DATA_FORMAT', /row 1: expected a vector/],
    ['text.jsonl', '{"text":"a"}\n', 'DATA_SHAPE', /expected a column of vectors/],
    ['zero.jsonl', '{"v":[1,2]}\n{"v":[0,0]}\n', 'DATA_ZERO', /zero\.jsonl: one vector is all zeros: row 1/],
    ['place.jsonl', '{"v":[1,2],"index":"x"}\n', 'DATA_FORMAT', /expected an integer for "index"/],
    ['late.jsonl', '{"v":[1,2]}\n{"v":[1,2],"article_id":"a"}\n', 'DATA_FORMAT', /row 0: expected an article/],
    ['object.jsonl', '{"v":[1,2],"article_id":{"a":1}}\n', 'DATA_FORMAT', /expected a text or a number for "article_id"/],
    ['plain.csv.gz', 'a0,a1\n1,2\n', 'DATA_FORMAT', /cannot be unpacked/],
    ['open.csv', 'text,a0,a1\n"x,1,2\n"y",3,4\n"z",5,6\n', 'DATA_FORMAT', /row 2 has a quote/],
    ['end.csv', 'text,a0,a1\n"x",1,2\n"y,3,4\n', 'DATA_FORMAT', /row 3 has a quote/],
    ['nameless.csv', 'x,0.5,0.25\nx,1,2\n', 'DATA_FORMAT', /names of its columns in row 1 but received "0.5"/],
    [
      'latin.csv',
      Buffer.from('text,a0,a1\nplain,1,2\ncaf\xe9,3,4\n', 'latin1'),
      'DATA_FORMAT',
      /byte 24, in line 3, is not UTF-8/,
    ],
    ['noid.jsonl', '{"v":[1,2],"article_id":null}\n', 'DATA_FORMAT', /expected an article/],
  ]
  it.each(wrong)('%s is refused, by its own name', async (name, content, code, message) => {
    expect(await refused(code, openBase(scratch(name, content)))).toMatch(message)
  })
  it('vectors in memory that are none are refused with the key', async () => {
    const bad = (data: unknown) => refused('BAD_OPTION', openBase(data as Data))
    expect(await refused('DATA_SHAPE', openBase([]))).toMatch(/there are none/)
    expect(await bad({ vectors: flat })).toMatch(/for "dim"/)
    expect(await bad({ vectors: flat, dim: 7 })).toMatch(/for "dim"/)
    expect(await bad({ vectors: flat, dim: DIM, ...facts, articles: ['a'] })).toMatch(/a list of 60, one for each vector/)
    expect(await bad({ vectors: flat, ...facts, colour: 1 })).toMatch(/a known key/)
    expect(await bad([{ vector: [1, 2], article_id: 'a' }])).toMatch(/a known key \(vector, article/)
    expect(await bad([{ vector: [1, 2] }, { vector: [1, 2], article: 'a' }])).toMatch(/"article" in every row or in none/)
    expect(await bad([1, 2])).toMatch(/rows that are vectors/)
    expect(await bad(5)).toMatch(/a path, { vectors/)
  })
  it('an error of the rows themselves is told as one of the data', async () => {
    async function* broken() {
      yield [1, 2]
      throw new Error('the source is gone')
    }
    expect(await refused('BAD_OPTION', openBase(broken()))).toMatch(/the source is gone/)
  })
  it('data from memory whose copy is gone says how to give it again', async () => {
    expect(await refused('FILE_MISSING', openBase('memory:0123456789abcdef'))).toMatch(/memory of a program/)
    expect(await hintOf(openBase('memory:0123456789abcdef'))).toContain('writeBase')
  })
  it('writeBase overwrites nothing unless told to, and leaves no file after an error', async () => {
    const path = scratch('kept.npy')
    await writeBase(path, { vectors: flat, dim: DIM })
    expect(await refused('BAD_OPTION', writeBase(path, { vectors: flat, dim: DIM }))).toMatch(/exists/)
    await writeBase(path, { vectors: flat, dim: DIM }, { overwrite: true })
    const own = scratch('own.jsonl', '{"v":[1,2]}\n')
    expect(await refused('BAD_OPTION', writeBase(scratch('own.npy'), own, { overwrite: true }))).toMatch(/own\.jsonl exists/)
    expect(readFileSync(own, 'utf8')).toBe('{"v":[1,2]}\n')
    expect(await refused('BAD_OPTION', writeBase(scratch('x.xml'), { vectors: flat, dim: DIM }))).toMatch(/ends in .npy/)
    for (const name of ['x.h5', 'x.npz', 'x.TSV'])
      expect(await hintOf(writeBase(scratch(name), { vectors: flat, dim: DIM }))).toContain('is read, but not written')
    const ended = { vectors: flat, dim: DIM }
    await refused('INTERRUPTED', writeBase(scratch('ended.csv'), ended, { signal: AbortSignal.abort(new Error('enough')) }))
    expect(existsSync(scratch('ended.csv'))).toBe(false)
  })
})
