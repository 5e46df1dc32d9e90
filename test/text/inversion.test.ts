import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Decoder } from '../../lib/text/invert/decoder.js'
import type { Bridge } from '../../lib/text/invert/gtr-bridge.js'
import { chosen, cosine, type Draft } from '../../lib/text/invert/inversion.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { FIXTURE, goldenOf, meanOf } from './inverter-fixture.js'

const golden = goldenOf(FIXTURE)
const ST = join(FIXTURE, 'st')
/** The reference uses one length for all texts. */
const ALIKE = { compat: true, maxLength: 12 } as const
const flat = (rows: readonly (readonly number[])[]) => Float32Array.from(rows.flat())

describe.each(['mean', 'st'] as const)('vec2text of gtr-%s', (name) => {
  const { vectors, greedy, beam, one, texts } = golden[name]
  const open = async () => Decoder.open(name === 'st' ? ST : await meanOf(ST))

  test('every step of the greedy loop equals the plain PyTorch script', async () => {
    using decoder = await open()
    expect(decoder).toMatchObject({ space: `gtr-${name}`, dim: 16, corrects: true })
    for (const [steps, said] of greedy.entries()) {
      const rows = await decoder.decode(flat(vectors), { ...ALIKE, steps })
      expect(rows.map(({ ids }) => ids)).toEqual(said.ids)
      expect(rows.map(({ text }) => text)).toEqual(said.texts)
      rows.forEach((row, i) => {
        expect(Math.abs(row.cosine - said.cosines[i]!)).toBeLessThan(1e-5)
        expect(row.steps).toBe(steps)
      })
    }
  })

  test.each([
    [3, beam],
    [1, one],
  ] as const)('%i steps with three beams equal the plain PyTorch script', async (steps, said) => {
    using decoder = await open()
    const rows = await decoder.decode(flat(vectors), { ...ALIKE, steps, beam: 3 })
    expect(rows.map(({ ids }) => ids)).toEqual(said.ids)
    expect(rows.map(({ text }) => text)).toEqual(said.texts)
    rows.forEach((row, i) => {
      expect(Math.abs(row.cosine - said.cosines[i]!)).toBeLessThan(1e-5)
    })
  })

  test('without compat the best text of all steps is kept, and a vector without gain is not corrected further', async () => {
    using decoder = await open()
    const rows = await decoder.decode(flat(vectors), { steps: 3, maxLength: 12 })
    rows.forEach((row, i) => {
      const cosines = greedy.map((said) => said.cosines[i]!)
      const last = cosines.findIndex((x, step) => step > 0 && x - Math.max(...cosines.slice(0, step)) < 1e-3)
      const made = last < 0 ? 3 : last
      expect(row.steps).toBe(made)
      expect(row.cosine).toBeCloseTo(Math.max(...cosines.slice(0, made + 1)), 5)
    })
    expect(new Set(rows.map(({ steps }) => steps)).size).toBeGreaterThan(1)
  })

  test('the vector of a text is the one of the reference', async () => {
    using decoder = await open()
    const said = await decoder.embed(texts)
    vectors.forEach((row, i) => {
      expect(cosine(row, said.subarray(i * 16, (i + 1) * 16))).toBeGreaterThan(1 - 1e-6)
      row.forEach((x, j) => {
        expect(Math.abs(x - said[i * 16 + j]!)).toBeLessThan(1e-5)
      })
    })
  })
})

test('the steps are reported as they are made', async () => {
  using decoder = await Decoder.open(ST)
  const seen: number[] = []
  const vectors = Tensor.from(flat(golden.st.vectors), [4, 16])
  const rows = await decoder.decode(vectors, {
    ...ALIKE,
    steps: 2,
    onStep: ({ step, done, of, steps }) => seen.push(step, done, of, steps),
  })
  expect(rows).toHaveLength(4)
  expect(seen).toEqual([0, 0, 4, 2, 1, 0, 4, 2, 2, 0, 4, 2])
})

test('an aborted decoding rejects as interrupted', async () => {
  using decoder = await Decoder.open(ST)
  const signal = AbortSignal.abort()
  await expect(decoder.decode(flat(golden.st.vectors), { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
  expect(await decoder.decode(new Float32Array(0))).toEqual([])
})

test('vectors of another space are refused by both names, and converted on demand', async () => {
  using decoder = await Decoder.open(ST)
  const { vectors, texts } = golden.mean
  await expect(decoder.decode(flat(vectors), { space: 'gtr-mean' })).rejects.toMatchObject({
    code: 'SPACE_MISMATCH',
    message: expect.stringMatching(/gtr-st.*gtr-mean/),
  })
  await expect(decoder.decode(flat(vectors), { space: 'gtr-mean', bridge: true })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  let bridge: Bridge | undefined
  const o = { ...ALIKE, steps: 3, space: 'gtr-mean', bridge: true, calibration: texts } as const
  const rows = await decoder.decode(flat(vectors), { ...o, onBridge: (made) => (bridge = made) })
  expect(rows.map(({ text }) => text)).toEqual(golden.st.greedy[3]!.texts)
  expect(bridge).toMatchObject({ from: 'gtr-mean', to: 'gtr-st', texts: 4 })
  expect(bridge!.round_trip.min).toBeGreaterThan(1 - 1e-5)
})

test.each(['gtr-st', 'gtr-mean-l2'] as const)(
  'the bridge from %s restores the direction and the mean length of gtr-mean',
  async (space) => {
    using decoder = await Decoder.open(await meanOf(ST))
    const { texts } = golden.mean
    const bridge = await decoder.bridge(space, texts)
    expect(bridge.round_trip.min).toBeGreaterThan(1 - 1e-4)
    expect(bridge.condition === null).toBe(space === 'gtr-mean-l2')
    const vectors = await decoder.embed(texts, space)
    const back = (await (await bridge.convert(Tensor.from(vectors, [4, 16]))).data()) as Float32Array
    const lengths = texts.map((_, i) => Math.hypot(...back.subarray(i * 16, (i + 1) * 16)))
    const own = golden.mean.vectors.map((row) => Math.hypot(...row))
    for (const length of lengths) expect(length).toBeCloseTo(own.reduce((a, b) => a + b) / 4, 4)
  },
)

test('fewer different texts than beams are filled up with the best ones', () => {
  const draft = (id: number, cosine: number): Draft => ({ ids: [0, id], text: '', cosine, vector: new Float32Array(1) })
  const drafts = [draft(5, 0.1), draft(6, 0.9), draft(5, 0.1), draft(6, 0.9)]
  expect(chosen(drafts, 3).map(({ ids }) => ids[1])).toEqual([6, 5, 6])
})

test('vectors that are not finite, without direction or of another dimension are refused', async () => {
  using decoder = await Decoder.open(ST)
  await expect(decoder.decode(new Float32Array(16))).rejects.toMatchObject({ code: 'DATA_ZERO' })
  await expect(decoder.decode(new Float32Array(16).fill(Number.NaN))).rejects.toMatchObject({ code: 'DATA_NOT_FINITE' })
  await expect(decoder.decode(new Float32Array(15))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(decoder.decode(new Float32Array(16), { steps: -1 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  decoder.dispose()
  await expect(decoder.decode(new Float32Array(16).fill(1))).rejects.toMatchObject({ code: 'DISPOSED' })
})
