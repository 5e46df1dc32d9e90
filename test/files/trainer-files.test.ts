import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { inspectData } from '../../lib/data/inspect-data.js'
import { openBase } from '../../lib/data/open.js'
import { dtypeOf, plainElements } from '../../lib/files/element.js'
import { Opaque } from '../../lib/files/opaque.js'
import { isTensorEntry, openPt, type PtFile, type TensorEntry } from '../../lib/files/pt.js'
import type { NdArray } from '../../lib/files/python-globals.js'
import { readTensor } from '../../lib/torch/read-tensor.js'
import { bytesOf, fixture, npy, refused, safetensors, scratch, storedZip } from './fixture.js'

const at = (file: PtFile, key: string) => (file.value as Map<string, unknown>).get(key)
const numbers = async (file: PtFile, key: string) => {
  using tensor = await readTensor(file, at(file, key) as TensorEntry)
  return [...((await tensor.data()) as Float32Array)]
}

describe('lazily negated and conjugated views', () => {
  it('a lazily negated tensor is read with the sign that torch gives it', async () => {
    const file = await openPt(fixture('lazy.pt'))
    expect(at(file, 'negated')).toMatchObject({ neg: true, conj: false })
    expect(await numbers(file, 'negated')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(await numbers(file, 'negated')).toEqual(await numbers(file, 'values'))
    expect(await numbers(file, 'column')).toEqual([1, 5, 9])
  })
  it('a lazily conjugated tensor is read with its imaginary part negated', async () => {
    const file = await openPt(fixture('lazy.pt'))
    const plain = await numbers(file, 'plain')
    expect(await numbers(file, 'conjugated')).toEqual(plain.map((x, i) => (i % 2 ? -x : x)))
    expect(await numbers(file, 'both')).toEqual(plain.map((x, i) => (i % 2 ? x : -x)))
  })
})

/** A PyTorch file with one tensor, rebuilt with these arguments after the first four. */
function made(more: string, rebuild = '_rebuild_tensor_v2'): string {
  const storage = '(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ'
  const pickle = `\x80\x02}U\x01wctorch._utils\n${rebuild}\n(${storage}K\x00K\x04\x85K\x01\x85${more}tRs.`
  const data = Buffer.from(bytesOf(Float32Array.of(1, 2, 3, 4)))
  const files = [
    { name: 'a/data.pkl', data: Buffer.from(pickle, 'latin1') },
    { name: 'a/data/0', data },
  ]
  return scratch('made.pt', storedZip(files))
}
const NO_HOOKS = 'ccollections\nOrderedDict\n)R'

describe('every argument of a rebuilt tensor is applied or refused', () => {
  it.each([
    ['a gradient', `\x88${NO_HOOKS}`],
    ['hooks that are None', '\x89N'],
    ['metadata that is None', `\x89${NO_HOOKS}N`],
    ['empty metadata', `\x89${NO_HOOKS}}`],
    ['flags that are off', `\x89${NO_HOOKS}}U\x03neg\x89s`],
  ])('a tensor with %s is read', async (_, more) => {
    expect(await numbers(await openPt(made(more)), 'w')).toEqual([1, 2, 3, 4])
  })
  it('a tensor whose neg flag is set is read with the opposite sign', async () => {
    expect(await numbers(await openPt(made(`\x89${NO_HOOKS}}U\x03neg\x88s`)), 'w')).toEqual([-1, -2, -3, -4])
  })
  it.each([
    ['unknown metadata', `\x89${NO_HOOKS}}U\x05scaleK\x02s`, /with "scale" beside it/],
    ['hooks', '\x89}U\x01aK\x01s', /with hooks/],
  ])('a tensor with %s becomes Opaque with a description', async (_, more, what) => {
    const value = at(await openPt(made(more)), 'w')
    expect(value).toBeInstanceOf(Opaque)
    expect((value as Opaque).what).toMatch(what)
  })
  it.each([
    ['a conj flag and a real dtype', `\x89${NO_HOOKS}}U\x04conj\x88s`],
    ['a neg flag that is not a boolean', `\x89${NO_HOOKS}}U\x03negK\x05s`],
    ['no requires_grad', ''],
    ['a requires_grad that is not a boolean', 'K\x05N'],
    ['hooks that are not a dict', '\x89K\x05'],
    ['metadata that is not a dict', `\x89${NO_HOOKS}K\x05`],
    ['one argument too many', `\x89${NO_HOOKS}NN`],
  ])('a tensor with %s is refused', async (_, more) => {
    await refused('DATA_FORMAT', openPt(made(more)))
  })
})

it('tensors of unsupported kinds become Opaque with a description', async () => {
  const file = await openPt(fixture('kinds.pt'))
  expect(await numbers(file, 'weight')).toEqual([0, 1, 2, 3, 4, 5])
  expect(await numbers(file, 'buffer')).toEqual([0, 1, 2])
  expect(await numbers(file, 'attributed')).toEqual([0, 1])
  const what = Object.fromEntries(
    ['sparse', 'meta', 'quantised', 'short', 'small'].map((key) => [key, (at(file, key) as Opaque).what]),
  )
  expect(what).toEqual({
    sparse: 'a sparse tensor',
    meta: 'a tensor without values (device "meta")',
    quantised: 'a quantised tensor',
    short: 'a uint16 tensor of shape [2]',
    small: 'a float8_e4m3fn tensor of shape [4]',
  })
  expect(file.warnings.join()).toMatch(/attributes \(note\)/)
})

it('numpy arrays of any type and order in a pickle are described', async () => {
  const file = await openPt(fixture('arrays.pt'))
  const array = (key: string) => at(file, key) as NdArray
  expect(array('rows')).toMatchObject({ shape: [2, 3], fortran: false })
  expect(array('columns')).toMatchObject({ shape: [2, 3], fortran: true })
  expect(plainElements(array('columns').content as Buffer, array('columns').type)).toEqual([0, 3, 1, 4, 2, 5])
  expect(dtypeOf(array('half').type)).toBe('float16')
  for (const key of ['dates', 'long', 'records']) expect(array(key).type.kind, key).toBe('unread')
  expect(at(file, 'date')).toBeInstanceOf(Opaque)
})

describe('a tensor that repeats the elements of a small storage', () => {
  /** 860 bytes that claim so many elements by strides of 0. */
  const expanded = (rows: string) => {
    const storage = '(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ'
    const pickle = `\x80\x02}U\x01wctorch._utils\n_rebuild_tensor\n(${storage}K\x00${rows}K\x04\x86K\x00K\x01\x86tRs.`
    const data = Buffer.from(bytesOf(Float32Array.of(1, 2, 3, 4)))
    return scratch(
      'expanded.pt',
      storedZip([
        { name: 'a/data.pkl', data: Buffer.from(pickle, 'latin1') },
        { name: 'a/data/0', data },
      ]),
    )
  }
  it('a small expanded tensor is read', async () => {
    expect((await numbers(await openPt(expanded('K\x03')), 'w')).length).toBe(12)
  })
  it('a large expanded tensor is refused when it is read, not when its file is opened', async () => {
    const file = await openPt(expanded('J\xff\xff\xff\x3f'))
    expect(isTensorEntry(at(file, 'w'))).toBe(true)
    expect(await refused('DATA_FORMAT', readTensor(file, at(file, 'w') as TensorEntry))).toMatch(
      /expands a storage of 4 elements/,
    )
  })
})

describe('arrays beside the vectors', () => {
  it('openBase lists arrays of unsupported types, and reads numpy’s variable-length strings as ids', async () => {
    const base = await openBase(fixture('beside.npz'))
    expect(base).toMatchObject({ rows: 12, dim: 4 })
    expect(base.articles!.ids).toEqual(['article 0', 'article 1', 'article 2'])
    expect(base.warnings.join()).toMatch(
      /not read, and not needed: "when" \(<M8\[s\]\), "info" \(record\), "score" \(<f16\), "spectrum"/,
    )
    base.dispose()
    const { arrays, error } = await inspectData(fixture('beside.npz'))
    expect(error).toBeNull()
    expect(arrays.map(({ name }) => name)).toEqual(['vectors', 'article_ids', 'when', 'info', 'score', 'spectrum'])
  })
  it.each([
    ['F8_E4M3', 4, 4],
    ['F8_E8M0', 3, 3],
    ['C64', 2, 16],
    ['F4', 8, 4],
    ['F6_E2M3', 4, 3],
  ])('openBase lists a safetensors array of the unsupported dtype %s', async (dtype, count, bytes) => {
    const vectors = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] }
    const more = { dtype, shape: [count], data_offsets: [16, 16 + bytes] }
    const data = Buffer.concat([bytesOf(Float32Array.of(1, 0, 0, 1)), Buffer.alloc(bytes)])
    const base = await openBase(scratch(`more-${dtype}.safetensors`, safetensors({ vectors, more }, data)))
    expect(base.rows).toBe(2)
    expect(base.warnings.join()).toMatch(/not read, and not needed: "more"/)
    base.dispose()
  })
  it('openBase refuses a needed array of an unsupported type by name and type', async () => {
    const vectors = npy('<f4', [2, 2], bytesOf(Float32Array.of(1, 0, 0, 1)))
    const dates = npy('<M8[s]', [2], new Uint8Array(16))
    const zip = (name: string, arrays: Record<string, Buffer>) =>
      scratch(name, storedZip(Object.entries(arrays).map(([key, data]) => ({ name: `${key}.npy`, data }))))
    expect(await refused('DATA_FORMAT', openBase(zip('ids.npz', { vectors, article_ids: dates })))).toMatch(
      /"article_ids".*<M8\[s\]/,
    )
    expect(await refused('DATA_FORMAT', openBase(zip('v.npz', { vectors: npy('<M8[s]', [2, 2], new Uint8Array(32)) })))).toMatch(
      /"vectors"/,
    )
  })
})

it('bfloat16 of ml_dtypes, which .npy declares as raw bytes, is read', async () => {
  const path = scratch('brain.npy', npy('|V2', [2, 2], bytesOf(Uint16Array.of(0x3f80, 0, 0, 0xbf80))))
  const base = await openBase(path)
  expect([...((await base.vectors.data()) as Float32Array)]).toEqual([1, 0, 0, -1])
  base.dispose()
})

it('openBase refuses a PyTorch file that holds no vectors', async () => {
  writeFileSync(scratch('embeddings.npy'), '')
  expect(await refused('BAD_OPTION', openBase(fixture('trainer-plain.pt')))).toMatch(/expected one column of vectors/)
  expect(await refused('DATA_SHAPE', openBase(fixture('legacy.pt')))).toMatch(/expected a column of vectors/)
})
