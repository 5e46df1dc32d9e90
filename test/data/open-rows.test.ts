import { describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { bytesOf, circle, f4, npy, numbers, opened, refused, scratch, storedZip } from '../files/fixture.js'

describe('bad rows', () => {
  const changed = (change: (data: Float32Array) => void) => {
    const data = circle(10)
    change(data)
    return openBase(scratch('rows.npy', f4([10, 2], data)))
  }
  it('openBase lists rows that are not finite', async () => {
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
  it('openBase lists rows that are zero', async () => {
    expect(
      await refused(
        'DATA_ZERO',
        changed((d) => d.fill(0, 4, 6)),
      ),
    ).toMatch(/row 2/)
  })
  it('openBase lists bad vectors of sequences by sequence and position', async () => {
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
  it('openBase warns of vectors that are not of length 1, and normalize scales them', async () => {
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
  it('openBase refuses duplicate and unordered rows', async () => {
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
