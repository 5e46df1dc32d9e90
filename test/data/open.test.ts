import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Base } from '../../lib/data/base.js'
import { inspectData } from '../../lib/data/inspect.js'
import { LIMITS, type LimitName } from '../../lib/data/limits.js'
import { type OpenOptions, openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { makeWindows } from '../../lib/data/windows.js'
import { LvmError } from '../../lib/errors.js'
import type { Tensor } from '../../lib/torch/tensor.js'
import { bytesOf, dice, fixture, mutate, npy, refused, safetensors, scratch, storedZip } from './fixture.js'

const numbers = async (tensor: Tensor) => {
  using wide = await tensor.to({ dtype: 'float64' })
  return [...((await wide.data()) as Float64Array)]
}
/** Opens, looks, and frees. */
async function opened<T>(path: string, look: (base: Base) => T | Promise<T>, options?: OpenOptions): Promise<T> {
  const base = await openBase(path, options)
  try {
    return await look(base)
  } finally {
    base.dispose()
  }
}
/** Rows of length 1 in two dimensions. */
const circle = (rows: number, scale = 1) =>
  Float32Array.from({ length: 2 * rows }, (_, i) => scale * (i % 2 ? Math.sin(i >> 1) : Math.cos(i >> 1)))
const f4 = (shape: readonly number[], data: Float32Array) => npy('<f4', shape, bytesOf(data))
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
  ])('%s', async (name, dtype, ids, digits) => {
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
  it('give their texts', async () => {
    expect((await opened(fixture('base-uuid.npz'), (base) => base.texts()))![1]).toBe('sentence 1 – é')
    expect((await opened(fixture('base-object.npz'), (base) => base.texts()))![1]).toBe('sentence 1')
    expect(await opened(fixture('half.npy'), (base) => base.texts())).toBeUndefined()
  })
})

describe('stored sequences', () => {
  it.each(['sequences-metadata.npz', 'sequences-keys.npz'])('%s', async (name) => {
    await opened(fixture(name), async (base) => {
      expect(base).toMatchObject({ kind: 'sequences', rows: 12, dim: 8, context: 6, mapped: false })
      expect(base.vectors.shape).toEqual([72, 8])
      expect(base.targets!.shape).toEqual([12, 8])
      expect(base.articles!.ids).toEqual(['0', '1', '2'])
      expect(makeWindows(base, 5).count).toBe(12)
      expect(splitWindows(makeWindows(base, 5), base, { mode: 'articles', seed: 0, test: 0 }).val).toHaveLength(4)
    })
  })
  it('warn when they cross articles', async () => {
    const warnings = await opened(fixture('sequences-metadata.npz'), (base) => base.warnings)
    expect(warnings).toEqual(['1 of 12 sequences begin in another article than their target'])
  })
  it('are opened by halves', async () => {
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
  it('knows what the side file says', async () => {
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
  it('must have as many lines as vectors', async () => {
    const path = scratch('uneven.npy', f4([5, 2], circle(5)))
    scratch('uneven.jsonl', jsonl(rows))
    expect(await refused('DATA_SHAPE', openBase(path))).toMatch(/expected 5 lines/)
  })
})

it.each([0, 1, 2, 3])(
  'a .safetensors is read wherever its header lets the numbers begin: %i bytes of padding',
  async (length) => {
    const header = { vectors: { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] }, __metadata__: { pad: 'x'.repeat(length) } }
    const bytes = safetensors(header, bytesOf(circle(3)))
    await opened(scratch(`pad${length}.safetensors`, bytes), async (base) => {
      expect(await numbers(base.vectors)).toEqual([...circle(3)])
    })
  },
)

describe('bad rows', () => {
  const changed = (change: (data: Float32Array) => void) => {
    const data = circle(10)
    change(data)
    return openBase(scratch('rows.npy', f4([10, 2], data)))
  }
  it('that are not finite are named', async () => {
    expect(
      await refused(
        'DATA_NOT_FINITE',
        changed((d) => d.set([Number.NaN], 7)),
      ),
    ).toMatch(/one vector is not finite \(NaN or Inf\): row 3/)
    expect(
      await refused(
        'DATA_NOT_FINITE',
        changed((d) => d.set([Infinity, 0, 0, -Infinity], 8)),
      ),
    ).toMatch(/2 vectors .*: row 4, row 5/)
  })
  it('that are zero are named', async () => {
    expect(
      await refused(
        'DATA_ZERO',
        changed((d) => d.fill(0, 4, 6)),
      ),
    ).toMatch(/row 2/)
  })
  it('of sequences are named by their place', async () => {
    const contexts = circle(6)
    const last = circle(2)
    contexts[7] = Number.NaN
    last[2] = Infinity
    const path = scratch(
      'bad.npz',
      storedZip([
        { name: 'X.npy', data: f4([2, 3, 2], contexts) },
        { name: 'y.npy', data: f4([2, 2], last) },
      ]),
    )
    expect(await refused('DATA_NOT_FINITE', openBase(path))).toMatch(/context 0 of sequence 1, target 1/)
  })
  it('of another length are a warning, and cured by normalize', async () => {
    const path = scratch('long.npy', f4([10, 2], circle(10, 3)))
    await opened(path, (base) => {
      expect(base.norms).toMatchObject({ deviating: 10, mean: expect.closeTo(3, 6) })
      expect(base.warnings[0]).toMatch(/10 of 10 vectors are not of length 1 .*"normalize"/)
    })
    await opened(
      path,
      async (base) => {
        expect(base).toMatchObject({ normalized: true, mapped: false, dtype: 'float32', warnings: [], norms: { deviating: 0 } })
        for (const [i, value] of (await numbers(base.vectors)).entries()) expect(value).toBeCloseTo(circle(10)[i]!, 6)
      },
      { normalize: true },
    )
  })
  it('in double or in disorder are refused', async () => {
    const ids = (name: string, ...values: number[]) => ({
      name: `${name}.npy`,
      data: npy('<i4', [values.length], bytesOf(Int32Array.from(values))),
    })
    const open = (articles: number[], positions: number[]) =>
      openBase(
        scratch(
          'keys.npz',
          storedZip([
            { name: 'vectors.npy', data: f4([4, 2], circle(4)) },
            ids('article_ids', ...articles),
            ids('chunk_indices', ...positions),
          ]),
        ),
      )
    await refused('DATA_DUPLICATE_KEY', open([0, 0, 1, 1], [0, 0, 0, 1]))
    await refused('DATA_ORDER', open([0, 1, 0, 1], [0, 0, 1, 1]))
    await refused('DATA_ORDER', open([0, 0, 1, 1], [1, 0, 0, 1]))
    ;(await open([0, 0, 1, 1], [0, 1, 0, 1])).dispose()
  })
})

it('code in metadata is refused and not run', async () => {
  expect(await refused('DATA_UNSAFE', openBase(fixture('evil.npz')))).toMatch(/posix\.system/)
  expect(existsSync('/tmp/lvm-torch-was-here')).toBe(false)
})

it('survives 600 random mutations', async () => {
  const roll = dice(9)
  const names = ['base-uuid.npz', 'base-object.npz', 'sequences-metadata.npz', 'sequences-keys.npz', 'half.npy', 'zip64.npz']
  const seeds = names.map((name) => readFileSync(fixture(name)))
  for (let i = 0; i < 600; i++) {
    const path = scratch(`fuzz${i % 6 === 4 ? '.npy' : '.npz'}`, mutate(seeds[i % 6]!, roll))
    await opened(path, (base) => base.texts()).catch((error) => expect(error, String(error?.stack)).toBeInstanceOf(LvmError))
    scratch('fuzz.npy', '')
  }
})

describe('limits', () => {
  const vectors = f4([3, 2], circle(3))
  /** Vectors with a file of text beside them. */
  const beside = (stem: string, end: string, text: string) => {
    scratch(stem + end, text)
    return scratch(`${stem}.npy`, vectors)
  }
  it('are refused when reading them throws', async () => {
    const limits = Object.defineProperty({}, 'zipEntries', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
    await refused('BAD_OPTION', openBase(scratch('getter.npy', vectors), { limits }))
  })
  it.each<[LimitName, number, () => string]>([
    ['jsonDepth', 1, () => beside('depth', '.jsonl', '{"article_id":"a","categories":["x"]}\n'.repeat(3))],
    ['jsonBytes', 5, () => beside('card', '.card.json', '{"space":"x"}')],
    ['lineBytes', 10, () => beside('line', '.jsonl', '{"article_id":"a"}\n'.repeat(3).trimEnd())],
    ['extraLines', 2, () => beside('extra', '.jsonl', `\n\n\n${'{}\n'.repeat(3)}`)],
    [
      'zipEntries',
      1,
      () => scratch('two.npz', storedZip(['vectors', 'more'].map((name) => ({ name: `${name}.npy`, data: vectors })))),
    ],
    ['zipDirectoryBytes', 10, () => scratch('directory.npz', storedZip([{ name: 'vectors.npy', data: vectors }]))],
    ['npyHeaderBytes', 100, () => scratch('header.npy', vectors)],
    [
      'safetensorsHeaderBytes',
      10,
      () =>
        scratch(
          'header.safetensors',
          safetensors({ vectors: { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] } }, bytesOf(circle(3))),
        ),
    ],
  ])('%s can be lowered to %i, and then refuses', async (name, value, make) => {
    const path = make()
    await opened(path, (base) => expect(base.rows).toBe(3))
    await refused('DATA_FORMAT', openBase(path, { limits: { [name]: value } }))
  })
  it('bound what an entry unpacks to', async () => {
    const zeros = npy('<f4', [1000, 2], new Uint8Array(8000))
    const path = scratch('zeros.npz', storedZip([{ name: 'vectors.npy', data: zeros, deflate: true }]))
    await refused('DATA_ZERO', openBase(path))
    expect(await refused('DATA_FORMAT', openBase(path, { limits: { unpackedBytes: 1000, unpackedRatio: 2 } }))).toMatch(
      /unpacks from/,
    )
  })
  it('are names of the table, and lower than it', async () => {
    const path = scratch('any.npy', vectors)
    await refused('BAD_OPTION', openBase(path, { limits: { depth: 3 } as never }))
    await refused('BAD_OPTION', openBase(path, { limits: { toString: 3 } as never }))
    for (const value of [0, 1.5, Number.NaN, LIMITS.jsonDepth.most + 1, '3'])
      await refused('BAD_OPTION', openBase(path, { limits: { jsonDepth: value as number } }))
    await refused('BAD_OPTION', openBase(path, { limits: 5 as never }))
  })
})

describe('ids of articles', () => {
  const column = (descr: string, data: ArrayBufferView) => npy(descr, [3], bytesOf(data))
  const zip = (name: string, ids: Buffer) =>
    scratch(
      name,
      storedZip([
        { name: 'vectors.npy', data: f4([3, 2], circle(3)) },
        { name: 'article_ids.npy', data: ids },
      ]),
    )
  /** A pickled list of ids. */
  const objects = (items: string) =>
    npy(
      '|O',
      [3],
      Buffer.from(
        `\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R(K\x01K\x03\x85cnumpy\ndtype\nU\x02O8\x85R\x89](${items}etb.`,
        'latin1',
      ),
    )
  it('are refused when a number and a text read the same, also in a pickle', async () => {
    expect(await refused('DATA_FORMAT', openBase(zip('mixed.npz', objects('K\x01K\x01U\x011'))))).toMatch(
      /row 2: .*number and as a text/,
    )
    await opened(zip('kinds.npz', objects('K\x01K\x02U\x013')), (base) => expect(base.articles!.ids).toEqual(['1', '2', '3']))
  })
  it('of 64 bits stay exact', async () => {
    const ids = column('<i8', BigInt64Array.of(2n ** 53n + 1n, 2n ** 53n + 1n, 2n ** 53n + 2n))
    await opened(zip('long.npz', ids), (base) => expect(base.articles!.ids).toEqual(['9007199254740993', '9007199254740994']))
  })
  it('that only a class could make are refused', async () => {
    expect(
      await refused('DATA_UNSAFE', openBase(zip('class.npz', objects('capp\nId\n)\x810capp\nId\n)\x81K\x01K\x02')))),
    ).toMatch(/class app\.Id/)
  })
})

it('what inspection says to do next is not to inspect', async () => {
  const cut = scratch('cut.npy', f4([3, 2], circle(3)).subarray(0, 130))
  await expect(inspectData(cut)).rejects.toMatchObject({ code: 'DATA_FORMAT', hint: expect.not.stringMatching(/inspect/) })
  scratch('bad.jsonl', 'hello\n')
  const { error } = await inspectData(scratch('bad.npy', f4([3, 2], circle(3))))
  expect(error).toMatchObject({ code: 'DATA_FORMAT', hint: expect.not.stringMatching(/inspect/) })
})
