import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { canonicalJson, jsonHash, sha256 } from '../../lib/files/hash.js'

describe('canonical JSON', () => {
  it('canonical JSON does not depend on the order of keys at any depth', () => {
    const a = { b: [1, { d: null, c: 'x' }], a: 1.5e-7 }
    expect(canonicalJson(a)).toBe('{"a":1.5e-7,"b":[1,{"c":"x","d":null}]}')
    expect(jsonHash(a)).toBe(jsonHash({ a: 1.5e-7, b: [1, { c: 'x', d: null }] }))
  })
  it('the hash of canonical JSON depends on every value, type and nesting', () => {
    const hashes = [{ a: 1 }, { a: '1' }, { a: [1] }, { a: null }, {}, [], { a: { a: 1 } }].map(jsonHash)
    expect(new Set(hashes).size).toBe(hashes.length)
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })
  it('jsonHash is the standard SHA-256 of the canonical text', () =>
    expect(jsonHash({})).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'))
  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'the hash of a JSON value refuses the number %s, which JSON cannot hold',
    (loss) => expect(() => jsonHash({ rows: [{ loss }] })).toThrow(`finite number for "loss" but received ${loss}`),
  )
})

it.each([0, 1, (1 << 20) - 1, 1 << 20, 3 * (1 << 20) + 7])(
  'sha256 of a file of %d bytes equals that of its content',
  async (size) => {
    const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31) % 251))
    const path = join(mkdtempSync(join(tmpdir(), 'lvm-hash-')), 'file')
    writeFileSync(path, bytes)
    const seen: number[] = []
    expect(await sha256(path, (done) => void seen.push(done))).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(seen.at(-1) ?? 0).toBe(size)
  },
)
