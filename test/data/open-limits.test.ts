import { describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { LIMITS, type LimitName } from '../../lib/files/limits.js'
import { bytesOf, circle, f4, npy, opened, refused, safetensors, scratch, storedZip } from '../files/fixture.js'

describe('openBase limits', () => {
  const vectors = f4([3, 2], circle(3))
  /** Vectors with a file of text beside them. */
  const beside = (stem: string, end: string, text: string) => {
    scratch(stem + end, text)
    return scratch(`${stem}.npy`, vectors)
  }
  it('openBase limits are refused with BAD_OPTION when a getter throws', async () => {
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
    ['lineBytes', 30, () => beside('broad', '.jsonl', `{"text":"${'–'.repeat(8)}"}\n`.repeat(3))],
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
  ])('%s: a file within the default is refused once the limit is lowered to %i', async (name, value, make) => {
    const path = make()
    await opened(path, (base) => expect(base.rows).toBe(3))
    await refused('DATA_FORMAT', openBase(path, { limits: { [name]: value } }))
  })
  it('unpackedBytes and unpackedRatio bound the size of an unpacked zip entry', async () => {
    const zeros = npy('<f4', [1000, 2], new Uint8Array(8000))
    const path = scratch('zeros.npz', storedZip([{ name: 'vectors.npy', data: zeros, deflate: true }]))
    await refused('DATA_ZERO', openBase(path))
    expect(await refused('DATA_FORMAT', openBase(path, { limits: { unpackedBytes: 1000, unpackedRatio: 2 } }))).toMatch(
      /unpacks from/,
    )
  })
  it('openBase limits of an unknown name, above the default, or not a positive integer are refused with BAD_OPTION', async () => {
    const path = scratch('any.npy', vectors)
    await refused('BAD_OPTION', openBase(path, { limits: { depth: 3 } as never }))
    await refused('BAD_OPTION', openBase(path, { limits: { toString: 3 } as never }))
    for (const value of [0, 1.5, Number.NaN, LIMITS.jsonDepth.most + 1, '3'])
      await refused('BAD_OPTION', openBase(path, { limits: { jsonDepth: value as number } }))
    await refused('BAD_OPTION', openBase(path, { limits: 5 as never }))
  })
})
