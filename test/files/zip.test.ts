import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { openZip, readEntry } from '../../lib/files/zip.js'
import { dice, fixture, mutate, refused, scratch, storedZip } from './fixture.js'

const read = async (bytes: Buffer, name = 'a') => {
  const opened = await openZip(scratch('x.zip', bytes))
  return readEntry(opened, opened.entries.get(name)!)
}
const data = Buffer.from('hello '.repeat(1000))

describe('zip', () => {
  it('a zip with stored and deflated entries is read', async () => {
    const bytes = storedZip([
      { name: 'a', data },
      { name: 'dir/b', data, deflate: true },
      { name: 'empty', data: Buffer.alloc(0) },
    ])
    expect(await read(bytes)).toEqual(data)
    expect(await read(bytes, 'dir/b')).toEqual(data)
    expect(await read(bytes, 'empty')).toHaveLength(0)
  })

  it('a zip64 file written by numpy is read', async () => {
    const opened = await openZip(fixture('zip64.npz'))
    expect([...opened.entries.keys()]).toEqual(['vectors.npy', 'article_ids.npy'])
    for (const entry of opened.entries.values()) expect(await readEntry(opened, entry)).toHaveLength(entry.size)
  })

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['something else', Buffer.from('not a zip file at all, by any means')],
    ['no directory', storedZip([{ name: 'a', data }]).subarray(0, 3000)],
    ['an absolute name', storedZip([{ name: '/etc/passwd', data }])],
    ['a name with ..', storedZip([{ name: 'a/../../b', data }])],
    ['a name with a backslash', storedZip([{ name: '..\\b', data }])],
    [
      'the same name twice',
      storedZip([
        { name: 'a', data },
        { name: 'a', data },
      ]),
    ],
    [
      'overlapping entries',
      storedZip([
        { name: 'a', data },
        { name: 'b', data, header: 100 },
      ]),
    ],
    ['an entry beyond the end', storedZip([{ name: 'a', data, header: 60_000 }])],
    ['an encrypted entry', storedZip([{ name: 'a', data, flags: 1 }])],
    ['a stored entry of two sizes', storedZip([{ name: 'a', data, size: 7000 }])],
    ['a bomb', storedZip([{ name: 'a', data, deflate: true, size: 0xfffffffe }])],
    ['a claim of 2^32 without its zip64 field', storedZip([{ name: 'a', data, deflate: true, size: 0xffffffff }])],
  ])('openZip refuses %s', async (_, bytes) => {
    await refused('DATA_FORMAT', openZip(scratch('bad.zip', bytes)))
  })

  it.each([
    ['a wrong checksum', storedZip([{ name: 'a', data, crc: 1 }])],
    ['a wrong checksum of a deflated entry', storedZip([{ name: 'a', data, deflate: true, crc: 1 }])],
    ['more bytes than claimed', storedZip([{ name: 'a', data, deflate: true, size: 100 }])],
    ['fewer bytes than claimed', storedZip([{ name: 'a', data, deflate: true, size: 6001 }])],
    ['a truncated deflate stream', storedZip([{ name: 'a', data, deflate: true, packed: 10 }])],
    ['an unsupported compression method', storedZip([{ name: 'a', data, method: 12 }])],
  ])('reading a zip entry refuses %s', async (_, bytes) => {
    await refused('DATA_FORMAT', read(bytes))
  })

  it('reading a zip entry refuses an invalid deflate stream', async () => {
    const bytes = storedZip([{ name: 'a', data, deflate: true }])
    bytes.fill(0xff, 35, 45)
    await refused('DATA_FORMAT', read(bytes))
  })

  it('reading a zip entry refuses a local header that names another file', async () => {
    const bytes = storedZip([{ name: 'a', data }])
    bytes[30] = 'b'.charCodeAt(0)
    await refused('DATA_FORMAT', read(bytes))
  })

  it('a zip reader answers 900 random mutations with an LvmError at worst', async () => {
    const roll = dice(2)
    const seeds = [
      storedZip([{ name: 'a', data, deflate: true }]),
      readFileSync(fixture('zip64.npz')),
      readFileSync(fixture('base-uuid.npz')),
    ]
    for (let i = 0; i < 900; i++) {
      const bytes = mutate(seeds[i % 3]!, roll)
      const all = async () => {
        const opened = await openZip(scratch('fuzz.zip', bytes))
        for (const entry of opened.entries.values()) await readEntry(opened, entry)
      }
      await all().catch((error) => expect(error, String(error?.stack)).toBeInstanceOf(LvmError))
    }
  })
})
