import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { type EncodeTextsOptions, encode } from '../../lib/text/encode/encode.js'
import { textLines } from '../../lib/text/encode/text-lines.js'
import { Encoder } from '../../lib/text/encoders/encoder.js'
import { refused } from '../files/fixture.js'
import { writeTinyEncoder } from './tiny-encoder.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-encode-'))
const at = (name: string) => join(folder, name)
let small: string
beforeAll(() => {
  small = writeTinyEncoder(at('small'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const input = (name: string, content: string | Buffer) => {
  writeFileSync(at(name), content)
  return at(name)
}
const encoded = (content: string | Buffer, more: EncodeTextsOptions = {}, out = at('out.npy')) =>
  encode({ encoder: small, input: input('in.txt', content), out, ...more })
async function* pieces(...all: (string | Buffer)[]) {
  for (const piece of all) yield Buffer.from(piece)
}
const linesOf = async (...all: (string | Buffer)[]) => {
  const found: [number, string][] = []
  for await (const some of textLines('x', pieces(...all), 20)) for (const { number, text } of some) found.push([number, text])
  return found
}

describe('textLines', () => {
  it('lines end at LF or CRLF, wherever the pieces are cut, and the last one at the end', async () => {
    const lines = [
      [1, 'ab'],
      [2, ''],
      [3, 'é'],
    ]
    expect(await linesOf('\ufeffab\r\n\né')).toEqual(lines)
    for (let cut = 1; cut < 9; cut++) {
      const bytes = Buffer.from('\ufeffab\r\n\né')
      expect(await linesOf(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(lines)
    }
    expect(await linesOf('a\n')).toEqual([[1, 'a']])
    expect(await linesOf()).toEqual([])
  })
  it('a line that is not UTF-8, too long or UTF-16 is refused with its number', async () => {
    expect(await refused('DATA_FORMAT', linesOf('a\n', Buffer.from([0xff, 10])))).toMatch(/line 2 is not UTF-8/)
    expect(await refused('DATA_FORMAT', linesOf('a\n', 'b'.repeat(15), 'c'.repeat(15)))).toMatch(/line 2 has more than 20/)
    expect(await refused('DATA_FORMAT', linesOf(Buffer.from('ab\n', 'utf16le')))).toMatch(/line 1 is UTF-16/)
  })
})

describe('encode', () => {
  it('a file of texts becomes a base whose vectors are those of Encoder', async () => {
    const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`)
    const made = await encoded(texts.join('\n'))
    expect(made).toMatchObject({ rows: 300, dim: 16, dtype: 'float32', truncated: 0, space: 'small · mean pooling · L2' })
    const base = await openBase(made.out)
    expect(await base.texts()).toEqual(texts)
    expect(base).toMatchObject({ rows: 300, space: made.space, encoder: { name: 'small', hash: made.encoder.hash } })
    using encoder = await Encoder.open(small)
    const own = await encoder.encode(texts.slice(0, 256))
    expect(new Float32Array((await base.vectors.data()).buffer as ArrayBuffer).slice(0, 256 * 16)).toEqual(own)
    base.dispose()
  })
  it('float16 files open with vectors near those of float32', async () => {
    const made = await encoded('a\nb', { dtype: 'float16' })
    const base = await openBase(made.out)
    expect([base.dtype, base.rows]).toEqual(['float16', 2])
    base.dispose()
  })
  it('the prompt and the pooling stand in the card', async () => {
    const made = await encoded('a', { prompt: 'query: ', normalize: 'never' })
    expect(JSON.parse(readFileSync(made.card, 'utf8'))).toMatchObject({
      space: 'small · mean pooling · prompt "query: "',
      encoder: { prompt: 'query: ', normalize: 'never' },
    })
  })
  it('texts that lose words are counted', async () => {
    expect((await encoded(`a\n${'word '.repeat(50)}`)).truncated).toBe(1)
  })
  it('empty lines are refused by number, encoded or left out', async () => {
    expect(await refused('DATA_FORMAT', encoded('a\n \nb'))).toMatch(/line 2 is empty/)
    expect((await encoded('a\n \nb', { empty: 'encode' })).rows).toBe(3)
    expect((await encoded('a\n \nb', { empty: 'skip' })).rows).toBe(2)
  })
  it('a refused input leaves the files of before, and no temporary ones', async () => {
    const made = await encoded('a\nb')
    const before = readdirSync(folder).sort()
    const bytes = readFileSync(made.out)
    await refused('DATA_FORMAT', encoded(Buffer.from([97, 10, 0xff])))
    await refused('DATA_TOO_FEW', encoded(''))
    expect(readdirSync(folder).sort()).toEqual(before)
    expect(readFileSync(made.out)).toEqual(bytes)
  })
  it('files of another verb are not replaced', async () => {
    const out = at('foreign.npy')
    writeFileSync(out, 'precious')
    expect(await refused('BAD_OPTION', encode({ encoder: small, input: input('foreign.txt', 'a'), out }))).toMatch(
      /did not write it/,
    )
    expect(readFileSync(out, 'utf8')).toBe('precious')
  })
  it('an abort during the work writes nothing', async () => {
    const stop = new AbortController()
    const options = { encoder: small, input: input('long.txt', 'a b c\n'.repeat(2000)), out: at('stopped.npy') }
    await refused('INTERRUPTED', encode(options, { signal: stop.signal, progress: () => stop.abort() }))
    expect(existsSync(at('stopped.npy'))).toBe(false)
  })
  it('wrong options are refused before the encoder is opened', async () => {
    await refused('BAD_OPTION', encode({ input: at('in.txt'), out: at('a.npy') }))
    await refused('BAD_OPTION', encode({ encoder: small, input: at('in.txt') }))
    await refused('BAD_OPTION', encode({ encoder: small, input: at('in.txt'), out: 'a.bin' }))
    await refused('BAD_OPTION', encode({ encoder: small, input: folder, out: at('a.npy') }))
    await refused('FILE_MISSING', encode({ encoder: small, input: at('none'), out: at('a.npy') }))
    await refused('ENCODER_MISSING', encode({ encoder: 'us/no-such-encoder', input: input('in.txt', 'a'), out: at('a.npy') }))
  })
})
