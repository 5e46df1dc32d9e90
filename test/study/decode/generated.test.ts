import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type DecodeOptions, decode } from '../../../lib/study/decode/decode.js'
import { decodedRow, decodingHead } from '../../../lib/study/decode/decode-page.js'
import { bytesOf, npy, refused } from '../../files/fixture.js'
import { FIXTURE, goldenOf, meanOf } from '../../text/inverter-fixture.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-generated-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const golden = goldenOf(FIXTURE)
const ST = join(FIXTURE, 'st')

/** Writes the vectors and texts of the reference as a base. */
function base(space: 'mean' | 'st'): string {
  const { vectors, texts } = golden[space]
  const path = join(folder, `${space}.npy`)
  writeFileSync(path, npy('<f4', [4, 16], bytesOf(Float32Array.from(vectors.flat()))))
  writeFileSync(
    join(folder, `${space}.jsonl`),
    texts.map((text, i) => `${JSON.stringify({ article: 'a', index: i, text })}\n`).join(''),
  )
  writeFileSync(join(folder, `${space}.card.json`), JSON.stringify({ space: `gtr-${space}` }))
  return path
}
const compared = { compat: true, maxLength: 12, steps: 3 } as const

it('decode with a folder of vec2text writes a sentence for each vector, with its own cosine beside the nearest stored one', async () => {
  const vectors = base('st')
  const steps: number[] = []
  const o: DecodeOptions = { vectors, decoder: ST, bank: vectors, ...compared, onStep: ({ step }) => steps.push(step) }
  const { rows, ...head } = await decode(o)
  expect(head.decoder).toEqual({
    name: 'vec2text',
    generated: true,
    folder: ST,
    space: 'gtr-st',
    steps: 3,
    beam: 1,
    bridge: null,
  })
  expect(rows.map(({ text }) => text)).toEqual(golden.st.greedy[3]!.texts)
  rows.forEach(({ cosine, nearest }, i) => {
    expect(cosine).toBeCloseTo(golden.st.greedy[3]!.cosines[i]!, 5)
    expect(nearest).toMatchObject({ row: i, text: golden.st.texts[i] })
  })
  expect(steps).toEqual([0, 1, 2, 3])
  expect(decodingHead(head)).toContain('generated sentences, at most 3 corrections')
  expect(decodedRow(head, rows[0]!)).toContain('vec2text')
})

it('decode refuses vectors of another or an unknown space by both names, and converts them over a measured bridge', async () => {
  const vectors = base('mean')
  expect(await refused('SPACE_MISMATCH', decode({ vectors, decoder: ST }))).toMatch(/gtr-st.*gtr-mean/)
  const { rows, decoder, ...rest } = await decode({ vectors, decoder: ST, bridge: true, bank: vectors, ...compared })
  expect(rows.map(({ text }) => text)).toEqual(golden.st.greedy[3]!.texts)
  expect(decoder.bridge).toMatchObject({ from: 'gtr-mean', to: 'gtr-st', texts: 4 })
  expect(decoder.bridge!.round_trip.mean).toBeCloseTo(1, 5)
  expect(decodingHead({ decoder, ...rest })).toMatch(/bridge gtr-mean → gtr-st: round-trip cosine/)
  rmSync(join(folder, 'mean.card.json'))
  expect(await refused('SPACE_MISMATCH', decode({ vectors, decoder: ST }))).toContain('unknown')
  const own = await decode({ vectors, decoder: await meanOf(ST), space: 'gtr-mean', ...compared })
  expect(own.rows.map(({ text }) => text)).toEqual(golden.mean.greedy[3]!.texts)
})

it('options of generated sentences are refused for the nearest decoder, which ignores them', async () => {
  const vectors = base('st')
  for (const given of [{ steps: 3 }, { beam: 2 }, { bridge: true }, { embedder: 'x' }] as const)
    expect(await refused('BAD_OPTION', decode({ vectors, bank: vectors, ...given }))).toContain('writes no sentences')
  expect(await refused('BAD_OPTION', decode({ vectors, decoder: 'no-such-folder' }))).toContain('no-such-folder')
})
