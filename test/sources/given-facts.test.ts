import { expect, it } from 'vitest'
import { openBase } from '../../lib/index.js'
import { circle, f4, refused, scratch, storedZip } from '../files/fixture.js'

it.each([
  ['positions', { vectors: [[1, 2]], positions: [1.5] }, /an integer for "positions"/],
  ['position', [{ vector: [1, 2], position: 1.5 }], /an integer for "position"/],
  ['articles', { vectors: [[1, 2]], articles: [{}] }, /a text or a number for "articles"/],
  ['article', [{ vector: [1, 2], article: {} }], /a text or a number for "article"/],
])('a wrong value in "%s" of given data is named by the key that was given', async (_, data, message) => {
  expect(await refused('DATA_FORMAT', openBase(data as never))).toMatch(message)
})
it('an .npz with several matrices of unusual names says how to choose one', async () => {
  const path = scratch(
    'odd.npz',
    storedZip(['odd', 'strange'].map((name) => ({ name: `${name}.npy`, data: f4([3, 2], circle(3)) }))),
  )
  await expect(openBase(path)).rejects.toMatchObject({ code: 'DATA_SHAPE', commandHint: 'choose one of them with --vectors odd' })
  const base = await openBase(path, { vectors: 'strange' })
  expect(base.rows).toBe(3)
  base.dispose()
})
