import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import type { LvmError } from '../../lib/errors.js'
import { Encoder } from '../../lib/text/encoders/encoder.js'
import { checkSpace, measureSpace } from '../../lib/text/space/check-space.js'
import { encoderCard, openEncoderFor } from '../../lib/text/space/encoder-of-base.js'
import { npy } from '../files/fixture.js'
import { writeTinyEncoder } from './tiny-encoder.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-space-'))
afterAll(() => rmSync(folder, { recursive: true }))

const at = (name: string) => join(folder, name)
const TEXTS = Array.from({ length: 100 }, (_, i) => `sentence ${i} of ${i * i}.`)
/** Rounds to 10 bits of mantissa, as float16 does. */
const half = (x: number) =>
  Math.fround(
    Math.round(x * 2 ** (10 - Math.floor(Math.log2(Math.abs(x) || 1)))) / 2 ** (10 - Math.floor(Math.log2(Math.abs(x) || 1))),
  )

/** Writes a base of the texts with an encoder's vectors, each changed by `change`. */
async function write(
  name: string,
  encoder: Encoder,
  o: { texts?: readonly string[]; change?: (v: Float32Array) => Float32Array; card?: object } = {},
) {
  const { texts = TEXTS, change = (v) => v, card = { space: encoder.space } } = o
  const vectors = change(await encoder.encode(texts))
  writeFileSync(at(`${name}.npy`), npy('<f4', [texts.length, encoder.dim], new Uint8Array(vectors.buffer)))
  writeFileSync(at(`${name}.jsonl`), texts.map((text, i) => `${JSON.stringify({ article_id: 'a', index: i, text })}\n`).join(''))
  writeFileSync(at(`${name}.card.json`), JSON.stringify(card))
  return at(`${name}.npy`)
}
const refused = async (code: string, work: Promise<unknown>): Promise<string> => {
  const error: LvmError | undefined = await work.then(
    () => undefined,
    (error) => error,
  )
  expect(error?.code, error?.stack).toBe(code)
  return error!.message
}

let small: Encoder
let other: Encoder
let wide: Encoder
beforeAll(async () => {
  small = await Encoder.open(writeTinyEncoder(at('small')))
  other = await Encoder.open(writeTinyEncoder(at('other'), { seed: 7 }))
  wide = await Encoder.open(writeTinyEncoder(at('wide'), { hidden: 24 }))
})
afterAll(() => {
  for (const encoder of [small, other, wide]) encoder.dispose()
})

describe('checkSpace', () => {
  it('vectors of the encoder pass, also after rounding to float16', async () => {
    using base = disposable(await openBase(await write('same', small, { change: (v) => v.map(half) })))
    const found = await checkSpace({ base, encoder: small })
    expect(found).toMatchObject({ rows: 64, base_space: small.space, encoder_space: 'small · mean pooling · L2', differing: [] })
    expect(found.minimum).toBeGreaterThan(0.99999)
    expect(await checkSpace({ base, encoder: small })).toEqual(found)
  })
  it('vectors in int8 pass the check in float32 and in int8 when the card says so, and are refused when it does not', async () => {
    const folder = writeTinyEncoder(at('eight'), { hidden: 64 })
    using exact = await Encoder.open(folder)
    using rounded = await Encoder.open(folder, { precision: 'int8' })
    const card = { space: exact.space, encoder: encoderCard(rounded, folder) }
    // one vector as far from float32 as 8 bits may bring it
    const change = (v: Float32Array) => v.map((x, i) => (i % 64 === 0 ? x + 0.15 : x))
    using base = disposable(await openBase(await write('eight-bits', exact, { card, change })))
    for (const encoder of [exact, rounded]) {
      const found = await checkSpace({ base, encoder })
      expect(found).toMatchObject({ required: 0.97, differing: [] })
      expect(found.minimum).toBeLessThan(0.999)
    }
    using silent = disposable(await openBase(await write('eight-bits-silent', exact, { change })))
    expect(await refused('SPACE_MISMATCH', checkSpace({ base: silent, encoder: exact }))).toMatch(/cosine ≥ 0\.999/)
  })
  it('vectors of another encoder are refused although the card says int8', async () => {
    const card = { space: small.space, encoder: { name: 'small', hash: small.hash, precision: 'int8' } }
    using base = disposable(await openBase(await write('foreign-eight', other, { card })))
    expect(await refused('SPACE_MISMATCH', checkSpace({ base, encoder: small }))).toMatch(/cosine ≥ 0\.97.*median cosine of/)
  })
  it('an encoder of equal dimension with other weights is refused with both spaces and the cosine', async () => {
    using base = disposable(await openBase(await write('foreign', other)))
    const message = await refused('SPACE_MISMATCH', checkSpace({ base, encoder: small }))
    expect(message).toMatch(
      /"other · mean pooling · L2" and the encoder of "small · mean pooling · L2".*median cosine of −?0\.\d+/,
    )
  })
  it('an encoder of another dimension is refused with both dimensions', async () => {
    using base = disposable(await openBase(await write('narrow', small)))
    expect(await refused('SPACE_MISMATCH', checkSpace({ base, encoder: wide }))).toMatch(
      /dimension 24.*"wide .*"small .*dimension 16/,
    )
  })
  it('some rows of another encoder are refused with their numbers', async () => {
    const alien = await other.encode(TEXTS)
    const change = (v: Float32Array) => v.map((x, i) => (i < 16 * 40 ? alien[i]! : x))
    using base = disposable(await openBase(await write('mixed', small, { change })))
    const message = await refused('SPACE_MISMATCH', checkSpace({ base, encoder: small, rows: 100 }))
    expect(message).toMatch(/rows 0, 1, 2, 3, 4 differ/)
  })
  it('a rotated space of equal lengths is refused', async () => {
    const change = (v: Float32Array) => v.map((_, i) => v[i - (i % 16) + ((i + 1) % 16)]!)
    using base = disposable(await openBase(await write('rotated', small, { change })))
    await refused('SPACE_MISMATCH', checkSpace({ base, encoder: small }))
  })
  it('gtr-mean, gtr-st and gtr-mean-l2 are told apart: by direction, and by length', async () => {
    const gtr = writeTinyEncoder(at('gtr-t5-base'), { dense: true })
    using st = await Encoder.open(gtr)
    using mean = await Encoder.open(gtr, { dense: 'skip', normalize: 'never' })
    using unit = await Encoder.open(gtr, { dense: 'skip' })
    expect([st.space, mean.space, unit.space]).toEqual(['gtr-st', 'gtr-mean', 'gtr-mean-l2'])
    using ofSt = disposable(await openBase(await write('st', st)))
    using ofUnit = disposable(await openBase(await write('unit', unit)))
    using ofMean = disposable(await openBase(await write('mean', mean)))
    expect(await refused('SPACE_MISMATCH', checkSpace({ base: ofSt, encoder: mean }))).toMatch(
      /"gtr-st" and the encoder of "gtr-mean": .*median cosine/,
    )
    expect(await refused('SPACE_MISMATCH', checkSpace({ base: ofMean, encoder: st }))).toMatch(
      /"gtr-mean" and the encoder of "gtr-st"/,
    )
    expect(await refused('SPACE_MISMATCH', checkSpace({ base: ofUnit, encoder: mean }))).toMatch(
      /"gtr-mean-l2" and the encoder of "gtr-mean": the directions agree .*lengths do not: 1\.000 in the base/,
    )
    expect(await refused('SPACE_MISMATCH', checkSpace({ base: ofMean, encoder: unit }))).toMatch(/lengths do not/)
    for (const [base, encoder] of [
      [ofSt, st],
      [ofUnit, unit],
      [ofMean, mean],
    ] as const)
      await checkSpace({ base, encoder })
  })
  it('a base without texts and one with empty texts are named as such', async () => {
    const path = await write('silent', small)
    writeFileSync(at('silent.jsonl'), TEXTS.map((_, i) => `${JSON.stringify({ article_id: 'a', index: i })}\n`).join(''))
    using base = disposable(await openBase(path))
    await refused('TEXT_MISSING', checkSpace({ base, encoder: small }))
    writeFileSync(
      at('silent.jsonl'),
      TEXTS.map((_, i) => `${JSON.stringify({ article_id: 'a', index: i, text: ' ' })}\n`).join(''),
    )
    using empty = disposable(await openBase(path))
    expect(await refused('TEXT_MISSING', checkSpace({ base: empty, encoder: small }))).toMatch(/all are empty/)
  })
  it('a space name that is wrong does not matter when the vectors agree, and is reported', async () => {
    using base = disposable(await openBase(await write('misnamed', small, { card: { space: 'gtr-st' } })))
    expect(await measureSpace({ base, encoder: small, rows: 5 })).toMatchObject({
      rows: 5,
      base_space: 'gtr-st',
      encoder_hash: small.hash,
    })
  })
  it('the card of a base gives the prompt and the pooling that its encoder was opened with', async () => {
    const given = { prompt: 'query: ', normalize: 'never' } as const
    using prompted = await Encoder.open(at('small'), given)
    const encoder = encoderCard(prompted, at('small'), given)
    expect(encoder).toEqual({ name: 'small', hash: prompted.hash, precision: 'float32', ...given })
    using base = disposable(await openBase(await write('prompted', prompted, { card: { space: prompted.space, encoder } })))
    using opened = await openEncoderFor(at('small'), base.encoder)
    expect(opened.space).toBe(prompted.space)
    await checkSpace({ base, encoder: opened })
    await refused('SPACE_MISMATCH', checkSpace({ base, encoder: small }))
  })
})

/** Frees a base at the end of its block. */
function disposable<T extends { dispose(): void }>(base: T): T & Disposable {
  return Object.assign(base, { [Symbol.dispose]: () => base.dispose() })
}
