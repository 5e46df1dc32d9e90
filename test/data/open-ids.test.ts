import { describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { bytesOf, circle, f4, npy, opened, refused, scratch, storedZip } from '../files/fixture.js'

describe('article ids in arrays', () => {
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
  it('article ids are refused when a number and a text of one pickled array have the same digits', async () => {
    expect(await refused('DATA_FORMAT', openBase(zip('mixed.npz', objects('K\x01K\x01U\x011'))))).toMatch(
      /row 2: .*number and as a text/,
    )
    await opened(zip('kinds.npz', objects('K\x01K\x02U\x013')), (base) => expect(base.articles!.ids).toEqual(['1', '2', '3']))
  })
  it('64-bit article ids beyond 2^53 are kept exactly', async () => {
    const ids = column('<i8', BigInt64Array.of(2n ** 53n + 1n, 2n ** 53n + 1n, 2n ** 53n + 2n))
    await opened(zip('long.npz', ids), (base) => expect(base.articles!.ids).toEqual(['9007199254740993', '9007199254740994']))
  })
  it('article ids that are objects of an unknown class are refused with DATA_UNSAFE', async () => {
    expect(
      await refused('DATA_UNSAFE', openBase(zip('class.npz', objects('capp\nId\n)\x810capp\nId\n)\x81K\x01K\x02')))),
    ).toMatch(/class app\.Id/)
  })
})
