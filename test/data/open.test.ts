import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { makeWindows } from '../../lib/data/windows.js'
import { LvmError } from '../../lib/errors.js'
import { bytesOf, circle, dice, f4, fixture, mutate, numbers, opened, refused, safetensors, scratch } from '../files/fixture.js'

const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const sha = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex')
const targets = await opened(fixture('zip64.npz'), (base) => numbers(base.vectors))

describe('bases that numpy wrote', () => {
  it.each([
    ['zip64.npz', 'float32', ['0', '1', '2'], 6],
    ['base-uuid.npz', 'float32', [0, 1, 2].map((i) => `0b9c2f0e-6f5d-4a77-9a51-00000000000${i}`), 6],
    ['base-object.npz', 'float32', ['0', '1', '2'], 6],
    ['fortran.npz', 'float32', ['a', 'b', 'c'], 6],
    ['big-endian.npz', 'float32', ['0', '1', '2'], 6],
    ['half.npy', 'float16', undefined, 3],
  ])('openBase reads %s, written by numpy', async (name, dtype, ids, digits) => {
    await opened(fixture(name), async (base) => {
      expect(base).toMatchObject({ kind: 'base', rows: 12, dim: 8, dtype })
      expect(base.vectors.shape).toEqual([12, 8])
      expect(base.articles?.ids).toEqual(ids)
      expect(base.hash).toBe(sha(readFileSync(fixture(name))))
      expect(base.warnings).toEqual([])
      const values = await numbers(base.vectors)
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(targets[i]!, digits)
    })
  })
  it('a base returns its texts', async () => {
    expect((await opened(fixture('base-uuid.npz'), (base) => base.texts()))![1]).toBe('sentence 1 – é')
    expect((await opened(fixture('base-object.npz'), (base) => base.texts()))![1]).toBe('sentence 1')
    expect(await opened(fixture('half.npy'), (base) => base.texts())).toBeUndefined()
  })
})

describe('stored sequences', () => {
  it.each(['sequences-metadata.npz', 'sequences-keys.npz'])('openBase reads the stored sequences of %s', async (name) => {
    await opened(fixture(name), async (base) => {
      expect(base).toMatchObject({ kind: 'sequences', rows: 12, dim: 8, context: 6, mapped: false })
      expect(base.vectors.shape).toEqual([72, 8])
      expect(base.targets!.shape).toEqual([12, 8])
      expect(base.articles!.ids).toEqual(['0', '1', '2'])
      expect(makeWindows(base, 5).count).toBe(12)
      expect(splitWindows(makeWindows(base, 5), base, { mode: 'articles', seed: 0, test: 0 }).val).toHaveLength(4)
    })
  })
  it('openBase warns of sequences that cross articles', async () => {
    const warnings = await opened(fixture('sequences-metadata.npz'), (base) => base.warnings)
    expect(warnings).toEqual(['1 of 12 sequences begin in another article than their target'])
  })
  it('openBase opens the training or the validation half of a file', async () => {
    const train = await opened(fixture('train-val.npz'), async ({ part, parts, rows, targets: t }) => ({
      part,
      parts,
      rows,
      first: (await numbers(t!))[0],
    }))
    const val = await opened(
      fixture('train-val.npz'),
      async ({ part, rows, targets: t }) => ({ part, rows, first: (await numbers(t!))[0] }),
      { part: 'val' },
    )
    expect(train).toMatchObject({ part: 'train', parts: ['train', 'val'], rows: 8 })
    expect(val).toMatchObject({ part: 'val', rows: 4 })
    expect(val.first).not.toBe(train.first)
  })
})

describe('an .npy with its side file', () => {
  const rows = Array.from({ length: 6 }, (_, i) => ({
    article_id: i < 3 ? 'a' : 'b',
    title: 'T',
    index: i % 3,
    text: `text ${i}`,
    ...(i === 0 && { categories: ['c'] }),
  }))
  it('a base has articles, positions, titles and categories of its side file', async () => {
    const vectors = f4([6, 2], circle(6))
    const side = gzipSync(jsonl(rows))
    const path = scratch('pair.npy', vectors)
    scratch('pair.jsonl.gz', side)
    scratch('pair.card.json', '{"space":"gtr","licence":"MIT"}')
    await opened(scratch('pair'), async (base) => {
      expect(base).toMatchObject({
        path,
        mapped: false,
        space: 'gtr',
        card: { licence: 'MIT' },
        sideFile: scratch('pair.jsonl.gz'),
      })
      expect(base.articles!.ids).toEqual(['a', 'b'])
      expect([...base.positions!]).toEqual([0, 1, 2, 0, 1, 2])
      expect(base.categories!.get('a')).toEqual(['c'])
      expect(await base.texts()).toEqual(rows.map((row) => row.text))
      expect(base.hash).toBe(sha(`${sha(vectors)}\n${sha(side)}\n`))
      expect(await numbers(base.vectors)).toEqual([...circle(6)])
    })
    expect(await refused('SPACE_MISMATCH', openBase(path, { space: 'mpnet' }))).toMatch(/"gtr".*"mpnet"/)
  })
  it('a side file must have as many lines as there are vectors', async () => {
    const path = scratch('uneven.npy', f4([5, 2], circle(5)))
    scratch('uneven.jsonl', jsonl(rows))
    expect(await refused('DATA_SHAPE', openBase(path))).toMatch(/expected 5 lines/)
  })
})

it.each([0, 1, 2, 3])('openBase reads a .safetensors file whose header has %i bytes of padding', async (length) => {
  const header = { vectors: { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] }, __metadata__: { pad: 'x'.repeat(length) } }
  const bytes = safetensors(header, bytesOf(circle(3)))
  await opened(scratch(`pad${length}.safetensors`, bytes), async (base) => {
    expect(await numbers(base.vectors)).toEqual([...circle(3)])
  })
})

it('openBase refuses code in metadata and does not run it', async () => {
  expect(await refused('DATA_UNSAFE', openBase(fixture('evil.npz')))).toMatch(/posix\.system/)
  expect(existsSync('/tmp/lvm-torch-was-here')).toBe(false)
})

it('openBase fails only with LvmErrors on 600 random mutations of a file', async () => {
  const roll = dice(9)
  const names = ['base-uuid.npz', 'base-object.npz', 'sequences-metadata.npz', 'sequences-keys.npz', 'half.npy', 'zip64.npz']
  const seeds = names.map((name) => readFileSync(fixture(name)))
  for (let i = 0; i < 600; i++) {
    const path = scratch(`fuzz${i % 6 === 4 ? '.npy' : '.npz'}`, mutate(seeds[i % 6]!, roll))
    await opened(path, (base) => base.texts()).catch((error) => expect(error, String(error?.stack)).toBeInstanceOf(LvmError))
    scratch('fuzz.npy', '')
  }
})
