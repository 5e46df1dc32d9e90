import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../../lib/data/keys.js'
import { openBase } from '../../lib/data/open.js'
import { readRowFacts } from '../../lib/data/row-facts.js'
import { LvmError } from '../../lib/errors.js'
import { isMapped, openArrays } from '../../lib/files/arrays.js'
import { elementName } from '../../lib/files/element.js'
import { readSafetensors } from '../../lib/files/safetensors.js'
import { loadValues } from '../../lib/torch/load-array.js'
import { bytesOf, dice, fixture, mutate, npy, refused, safetensors, scratch, storedZip } from './fixture.js'

const array = async (file: string, name: string) => (await openArrays(file)).arrays.get(name)!
const values = async (file: string, name: string) => loadValues(await array(file, name))
const layout = async (file: string, part?: 'train' | 'val') => layoutOf(await openArrays(file), part)
const f4 = (shape: number[]) => npy('<f4', shape, new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)))
const i4 = (shape: number[], ...data: number[]) => npy('<i4', shape, bytesOf(Int32Array.from(data)))
const npz = (name: string, arrays: Record<string, Buffer>) =>
  scratch(name, storedZip(Object.entries(arrays).map(([key, data]) => ({ name: `${key}.npy`, data }))))

describe('arrays of files that numpy wrote', () => {
  it('openArrays lists the arrays of numpy files with type, shape and offset', async () => {
    const { format, arrays } = await openArrays(fixture('base-uuid.npz'))
    expect(format).toBe('npz')
    expect([...arrays.values()].map((a) => [a.name, elementName(a.type), a.shape, a.offset])).toEqual([
      ['vectors', 'float64', [12, 8], undefined],
      ['article_ids', 'text[36]', [12], undefined],
      ['seq_in_article', 'int64', [12], undefined],
      ['concept_texts', 'text[15]', [12], undefined],
      ['cpe_ids', 'int64', [12], undefined],
    ])
  })
  it('isMapped accepts arrays that are large, uncompressed and aligned', async () => {
    const half = await array(fixture('half.npy'), 'vectors')
    const large = { ...half, shape: [1 << 20, 16] } // 32 MiB
    expect([half.offset, isMapped(half), isMapped(large)]).toEqual([128, false, true])
    expect(isMapped({ ...large, shape: [1 << 20, 15] })).toBe(false)
    expect(isMapped({ ...large, offset: 129 })).toBe(false)
    const stored = await array(fixture('zip64.npz'), 'vectors')
    const bytes = readFileSync(fixture('zip64.npz')).subarray(stored.offset, stored.offset! + 4)
    expect(stored.offset).toBeGreaterThan(100)
    expect(Math.abs(bytes.readFloatLE())).toBeLessThan(1)
    for (const name of ['big-endian.npz', 'fortran.npz'])
      expect(isMapped({ ...(await array(fixture(name), 'vectors')), shape: [1 << 20, 16] })).toBe(false)
  })
  it('arrays of numpy files give the values that numpy wrote', async () => {
    const texts = await values(fixture('base-uuid.npz'), 'concept_texts')
    expect(texts[11]).toBe('sentence 11 – é')
    expect((await values(fixture('base-uuid.npz'), 'article_ids'))[4]).toBe('0b9c2f0e-6f5d-4a77-9a51-000000000001')
    expect((await values(fixture('base-object.npz'), 'concept_texts'))[3]).toBe('sentence 3')
    expect(await values(fixture('fortran.npz'), 'article_ids')).toEqual([...'aaaabbbbcccc'])
    expect(await values(fixture('big-endian.npz'), 'article_ids')).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    expect(await values(fixture('sequences-keys.npz'), 'truth_keys')).toHaveLength(24)
    const [first] = (await values(fixture('sequences-metadata.npz'), 'metadata')) as [Map<string, unknown>]
    expect(Object.fromEntries(first)).toEqual({
      article_index: 0,
      last_context_article: 0,
      target_chunk_index: 0,
      target_cpe_id: 'cpe-0',
      crosses_article: false,
    })
  })
  it('a column-major array is read in row-major order', async () => {
    const file = scratch('columns.npy', npy('<i4', [2, 3], bytesOf(Int32Array.of(0, 3, 1, 4, 2, 5)), true))
    expect(await values(file, 'vectors')).toEqual([0, 1, 2, 3, 4, 5])
  })
  it('an object array that holds code is refused and the code is named', async () => {
    expect(await refused('DATA_UNSAFE', values(fixture('evil.npz'), 'metadata'))).toMatch(
      /"metadata": .*posix\.system; nothing was run/,
    )
  })
  it('record arrays and truncated numpy files are refused', async () => {
    expect(await refused('DATA_FORMAT', openBase(fixture('record.npy')))).toMatch(/record array/)
    const bytes = readFileSync(fixture('half.npy'))
    for (const length of [0, 5, 9, 50, 127, 200, bytes.length - 1]) {
      await refused('DATA_FORMAT', openArrays(scratch('cut.npy', bytes.subarray(0, length))))
    }
    await refused('DATA_FORMAT', openArrays(scratch('long.npy', Buffer.concat([bytes, Buffer.alloc(2)]))))
    const packed = readFileSync(fixture('base-uuid.npz'))
    for (let length = 0; length < packed.length; length += 97)
      await refused('DATA_FORMAT', openArrays(scratch('cut.npz', packed.subarray(0, length))))
  })
})

describe('safetensors', () => {
  const header = { vectors: { dtype: 'F16', shape: [2, 3], data_offsets: [0, 12] }, __metadata__: { space: 'x' } }
  it('readSafetensors gives the type, shape and offset of each tensor', async () => {
    const { tensors, metadata } = await readSafetensors(scratch('a.safetensors', safetensors(header, new Uint8Array(12))))
    expect(tensors.get('vectors')).toEqual({
      type: { kind: 'float', size: 2, swap: false },
      shape: [2, 3],
      offset: 8 + JSON.stringify(header).length,
    })
    expect(metadata.get('space')).toBe('x')
  })
  it.each([
    ['offsets beyond the end', { v: { dtype: 'F32', shape: [9], data_offsets: [0, 36] } }],
    ['a size that differs from the shape', { v: { dtype: 'F32', shape: [2], data_offsets: [0, 12] } }],
    ['an end before the beginning', { v: { dtype: 'F32', shape: [0], data_offsets: [8, 4] } }],
    ['a negative beginning', { v: { dtype: 'F32', shape: [1], data_offsets: [-4, 0] } }],
    ['a huge shape', { v: { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 12] } }],
    ['an unknown dtype', { v: { dtype: 'F9', shape: [12], data_offsets: [0, 12] } }],
    ['half a byte', { v: { dtype: 'F4', shape: [23], data_offsets: [0, 12] } }],
    ['bytes after the last tensor', { v: { dtype: 'U8', shape: [11], data_offsets: [0, 11] } }],
    ['a gap', { a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] }, b: { dtype: 'U8', shape: [4], data_offsets: [8, 12] } }],
    ['a gap before the first tensor', { v: { dtype: 'U8', shape: [4], data_offsets: [8, 12] } }],
    [
      'an overlap',
      { a: { dtype: 'U8', shape: [8], data_offsets: [0, 8] }, b: { dtype: 'U8', shape: [8], data_offsets: [4, 12] } },
    ],
    ['three offsets', { v: { dtype: 'U8', shape: [12], data_offsets: [0, 12, 12] } }],
    ['a number in the metadata', { __metadata__: { a: 5 }, v: { dtype: 'U8', shape: [12], data_offsets: [0, 12] } }],
    [
      'an object in the metadata',
      { __metadata__: { a: { toString: 1 } }, v: { dtype: 'U8', shape: [12], data_offsets: [0, 12] } },
    ],
    ['a dtype of the prototype', { v: { dtype: 'constructor', shape: [12], data_offsets: [0, 12] } }],
    ['an entry that is not an object', { v: 3 }],
    ['a list', [1]],
  ])('readSafetensors refuses %s', async (_, bad) => {
    await refused('DATA_FORMAT', readSafetensors(scratch('bad.safetensors', safetensors(bad, new Uint8Array(12)))))
  })
  it.each([
    [
      'a repeated name',
      '{"v":{"dtype":"U8","shape":[12],"data_offsets":[0,12]},"v":{"dtype":"U8","shape":[12],"data_offsets":[0,12]}}',
      /"v" twice/,
    ],
    ['a repeated name, once escaped', '{"v":{"dtype":"U8","shape":[12],"data_offsets":[0,12]},"\\u0076":{}}', /"v" twice/],
    ['a repeated key', '{"v":{"dtype":"U8","dtype":"I8","shape":[12],"data_offsets":[0,12]}}', /"dtype" twice/],
    [
      'deep nesting',
      `{"v":{"dtype":${'['.repeat(100_000)}${']'.repeat(100_000)},"shape":[12],"data_offsets":[0,12]}}`,
      /deeper than 100/,
    ],
    ['NaN', '{"v":{"dtype":"U8","shape":[NaN],"data_offsets":[0,12]}}', /not JSON/],
    ['a size with a decimal point', '{"v":{"dtype":"U8","shape":[12.0],"data_offsets":[0,12]}}', /whole numbers.*12\.0/],
    ['an offset with an exponent', '{"v":{"dtype":"U8","shape":[12],"data_offsets":[0, 12e0]}}', /whole numbers.*12e0/],
    ['a signed zero', '{"v":{"dtype":"U8","shape":[12],"data_offsets":[-0,12]}}', /whole numbers.*-0/],
    ['bytes that are not UTF-8', '{"\xff":{"dtype":"U8","shape":[12],"data_offsets":[0,12]}}', /not JSON/],
  ])('readSafetensors refuses a header with %s', async (_, text, message) => {
    const head = Buffer.from(text, 'latin1')
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(head.length))
    const path = scratch('header.safetensors', Buffer.concat([length, head, new Uint8Array(12)]))
    expect(await refused('DATA_FORMAT', readSafetensors(path))).toMatch(message)
  })
  it('readSafetensors refuses a header longer than the file', async () => {
    const bytes = safetensors(header, new Uint8Array(12))
    bytes.writeBigUInt64LE(2n ** 63n)
    await refused('DATA_FORMAT', readSafetensors(scratch('huge.safetensors', bytes)))
    await refused('DATA_FORMAT', readSafetensors(scratch('short.safetensors', bytes.subarray(0, 6))))
  })
  it('openArrays answers 1,500 random mutations of a safetensors file with an LvmError at worst', async () => {
    const roll = dice(7)
    const bytes = safetensors(header, new Uint8Array(12))
    for (let i = 0; i < 1500; i++) {
      await openArrays(scratch('fuzz.safetensors', mutate(bytes, roll))).catch((e) =>
        expect(e, String(e?.stack)).toBeInstanceOf(LvmError),
      )
    }
  })
})

describe('layouts', () => {
  it.each(['context_sequences', 'contexts', 'context', 'X'])('an array named %s is found as the contexts', async (name) => {
    const found = await layout(npz('alias.npz', { [name]: f4([4, 5, 2]), target_vectors: f4([4, 2]) }))
    expect(found).toMatchObject({ kind: 'sequences', rows: 4, context: 5, dim: 2, parts: [] })
  })
  it.each(['target_vectors', 'targets', 'target', 'y'])('an array named %s is found as the targets', async (name) => {
    expect((await layout(npz('alias.npz', { X: f4([4, 5, 2]), [name]: f4([4, 2]) }))).targets!.name).toBe(name)
  })
  it.each(['article_indices', 'article_ids', 'batch_ids'])('an array named %s is found as the article ids', async (name) => {
    const found = await layout(npz('alias.npz', { vectors: f4([2, 3]), [name]: i4([2], 0, 1) }))
    expect(found).toMatchObject({ kind: 'base', rows: 2, dim: 3, articles: { name } })
  })
  it.each(['chunk_indices', 'seq_idx', 'seq_in_article'])('an array named %s is found as the positions', async (name) => {
    expect((await layout(npz('alias.npz', { vectors: f4([2, 3]), [name]: i4([2], 0, 1) }))).positions!.name).toBe(name)
  })
  it('a file with a train and a val part gives either part', async () => {
    const train = await layout(fixture('train-val.npz'))
    expect(train).toMatchObject({ part: 'train', parts: ['train', 'val'], rows: 8, articles: { name: 'train_article_ids' } })
    expect(await layout(fixture('train-val.npz'), 'val')).toMatchObject({
      part: 'val',
      rows: 4,
      targets: { name: 'val_target_vectors' },
    })
    await refused('DATA_SHAPE', layout(fixture('base-uuid.npz'), 'val'))
  })
  it('the only matrix of a file is found as the vectors under any name', async () => {
    expect((await layout(npz('one.npz', { arr_0: f4([2, 3]), ids: i4([2], 1, 2) }))).vectors.name).toBe('arr_0')
    await refused('DATA_SHAPE', layout(npz('two.npz', { a: f4([2, 3]), b: f4([2, 3]) })))
    await refused('DATA_SHAPE', layout(npz('unnamed.npz', { sequences: f4([4, 5, 3]), targets: f4([4, 3]) })))
    expect((await layout(npz('beside.npz', { states: f4([2, 5, 3]), targets: f4([4, 3]) }))).rows).toBe(4)
    await refused('DATA_SHAPE', layout(npz('none.npz', { a: i4([2, 3], 1, 2, 3, 4, 5, 6) })))
  })
  it.each<[string, Record<string, Buffer>, RegExp]>([
    ['no targets', { X: f4([4, 5, 2]) }, /expected targets/],
    ['two-dimensional contexts', { X: f4([4, 10]), y: f4([4, 2]) }, /\[sequences, length, dim\] but received "X" \[4, 10\]/],
    ['fewer targets', { X: f4([4, 5, 2]), y: f4([3, 2]) }, /targets of shape \[4, 2\].*received "y" \[3, 2\]/],
    ['another dim', { X: f4([4, 5, 2]), y: f4([4, 3]) }, /received "y" \[4, 3\]/],
    ['fewer ids', { vectors: f4([4, 2]), article_ids: i4([3], 1, 2, 3) }, /expected 4 rows but received "article_ids" \[3\]/],
    ['keys of three', { X: f4([2, 5, 2]), y: f4([2, 2]), truth_keys: i4([2, 3], 1, 2, 3, 4, 5, 6) }, /2 rows of 2/],
    ['no rows', { vectors: f4([0, 2]) }, /"vectors" \[0, 2\]/],
    ['integer vectors', { vectors: i4([1, 2], 1, 2) }, /floating-point/],
  ])('the layout refuses %s', async (_, arrays, message) => {
    expect(await refused('DATA_SHAPE', layout(npz('misfit.npz', arrays)))).toMatch(message)
  })
})

describe('facts of each row', () => {
  const facts = async (file: string) => readRowFacts(await layout(file))
  it('articles, positions and article crossings are read from metadata', async () => {
    const { articles, positions, crossing } = await facts(fixture('sequences-metadata.npz'))
    expect(articles!.ids).toEqual(['0', '1', '2'])
    expect([...articles!.of]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    expect([...positions!]).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
    expect([...crossing!]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
  })
  it('articles and positions are read from truth keys', async () => {
    const { articles, positions } = await facts(fixture('sequences-keys.npz'))
    expect(articles!.ids).toEqual(['0', '1', '2'])
    expect([...positions!.subarray(4, 8)]).toEqual([0, 1, 2, 3])
  })
  it('article ids that are UUIDs are kept as text', async () => {
    expect((await facts(fixture('base-uuid.npz'))).articles!.ids[2]).toBe('0b9c2f0e-6f5d-4a77-9a51-000000000002')
  })
  it('a file without ids and positions gives no row facts', async () => {
    expect(await facts(fixture('half.npy'))).toEqual({})
  })
  it('ids that are fractions and positions that are fractions or too large are refused', async () => {
    const real = npy('<f4', [1], bytesOf(Float32Array.of(0.5)))
    expect(await refused('DATA_FORMAT', facts(npz('ids.npz', { vectors: f4([1, 2]), article_ids: real })))).toMatch(
      /row 0.*received 0.5/,
    )
    expect(await refused('DATA_FORMAT', facts(npz('ids.npz', { vectors: f4([1, 2]), chunk_indices: real })))).toMatch(/position/)
    const huge = npy('<i8', [1], bytesOf(BigInt64Array.of(2n ** 40n)))
    await refused('DATA_FORMAT', facts(npz('ids.npz', { vectors: f4([1, 2]), chunk_indices: huge })))
    expect(
      (await facts(npz('ids.npz', { vectors: f4([1, 2]), article_ids: npy('<i8', [1], bytesOf(BigInt64Array.of(2n ** 60n))) })))
        .articles!.ids,
    ).toEqual([String(2n ** 60n)])
  })
})
