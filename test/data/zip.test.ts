import { readFileSync } from 'node:fs'
import { crc32, deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openZip, readEntry } from '../../lib/data/zip.js'
import { LvmError } from '../../lib/errors.js'
import { dice, fixture, mutate, refused, scratch } from './fixture.js'

interface Part {
  name: string
  data: Buffer
  deflate?: boolean
  /** Lies told in the directory. */
  size?: number
  packed?: number
  header?: number
  crc?: number
  flags?: number
  method?: number
}

function zip(parts: readonly Part[]): Buffer {
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const part of parts) {
    const packed = part.deflate ? deflateRawSync(part.data) : part.data
    const name = Buffer.from(part.name)
    const method = part.method ?? (part.deflate ? 8 : 0)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50)
    local.writeUInt16LE(method, 8)
    local.writeUInt16LE(name.length, 26)
    files.push(local, name, packed)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50)
    central.writeUInt16LE(part.flags ?? 0, 8)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(part.crc ?? crc32(part.data), 16)
    central.writeUInt32LE(part.packed ?? packed.length, 20)
    central.writeUInt32LE(part.size ?? part.data.length, 24)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE(part.header ?? at, 42)
    directory.push(central, name)
    at += 30 + name.length + packed.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(parts.length, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...files, listed, end])
}

const read = async (bytes: Buffer, name = 'a') => {
  const opened = await openZip(scratch('x.zip', bytes))
  return readEntry(opened, opened.entries.get(name)!)
}
const data = Buffer.from('hello '.repeat(1000))

describe('zip', () => {
  it('reads stored and deflated entries', async () => {
    const bytes = zip([
      { name: 'a', data },
      { name: 'dir/b', data, deflate: true },
      { name: 'empty', data: Buffer.alloc(0) },
    ])
    expect(await read(bytes)).toEqual(data)
    expect(await read(bytes, 'dir/b')).toEqual(data)
    expect(await read(bytes, 'empty')).toHaveLength(0)
  })

  it('reads zip64, as numpy writes it', async () => {
    const opened = await openZip(fixture('zip64.npz'))
    expect([...opened.entries.keys()]).toEqual(['vectors.npy', 'article_ids.npy'])
    for (const entry of opened.entries.values()) expect(await readEntry(opened, entry)).toHaveLength(entry.size)
  })

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['something else', Buffer.from('not a zip file at all, by any means')],
    ['no directory', zip([{ name: 'a', data }]).subarray(0, 3000)],
    ['an absolute name', zip([{ name: '/etc/passwd', data }])],
    ['a name that climbs', zip([{ name: 'a/../../b', data }])],
    ['a name with a backslash', zip([{ name: '..\\b', data }])],
    [
      'the same name twice',
      zip([
        { name: 'a', data },
        { name: 'a', data },
      ]),
    ],
    [
      'overlapping entries',
      zip([
        { name: 'a', data },
        { name: 'b', data, header: 100 },
      ]),
    ],
    ['an entry beyond the end', zip([{ name: 'a', data, header: 60_000 }])],
    ['an encrypted entry', zip([{ name: 'a', data, flags: 1 }])],
    ['a stored entry of two sizes', zip([{ name: 'a', data, size: 7000 }])],
    ['a bomb', zip([{ name: 'a', data, deflate: true, size: 0xfffffffe }])],
    ['a claim of 2^32 without its zip64 field', zip([{ name: 'a', data, deflate: true, size: 0xffffffff }])],
  ])('refuses at opening: %s', async (_, bytes) => {
    await refused('DATA_FORMAT', openZip(scratch('bad.zip', bytes)))
  })

  it.each([
    ['a wrong checksum', zip([{ name: 'a', data, crc: 1 }])],
    ['a wrong checksum of a deflated entry', zip([{ name: 'a', data, deflate: true, crc: 1 }])],
    ['more bytes than claimed', zip([{ name: 'a', data, deflate: true, size: 100 }])],
    ['fewer bytes than claimed', zip([{ name: 'a', data, deflate: true, size: 6001 }])],
    ['a cut deflate stream', zip([{ name: 'a', data, deflate: true, packed: 10 }])],
    ['another method', zip([{ name: 'a', data, method: 12 }])],
  ])('refuses at reading: %s', async (_, bytes) => {
    await refused('DATA_FORMAT', read(bytes))
  })

  it('refuses a deflate stream of noise', async () => {
    const bytes = zip([{ name: 'a', data, deflate: true }])
    bytes.fill(0xff, 35, 45)
    await refused('DATA_FORMAT', read(bytes))
  })

  it('refuses a local header that names another file', async () => {
    const bytes = zip([{ name: 'a', data }])
    bytes[30] = 'b'.charCodeAt(0)
    await refused('DATA_FORMAT', read(bytes))
  })

  it('survives 900 random mutations', async () => {
    const roll = dice(2)
    const seeds = [
      zip([{ name: 'a', data, deflate: true }]),
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
