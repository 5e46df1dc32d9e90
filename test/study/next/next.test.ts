import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load } from '../../../lib/checkpoint/load-model.js'
import { openBase } from '../../../lib/data/open.js'
import { nearest } from '../../../lib/study/next/nearest.js'
import { next } from '../../../lib/study/next/next.js'
import { makeData } from '../../../lib/text/corpus/make-data.js'
import { Encoder } from '../../../lib/text/encoders/encoder.js'
import { Tensor } from '../../../lib/torch/tensor.js'
import { refused } from '../../files/fixture.js'
import { writeTinyEncoder } from '../../text/tiny-encoder.js'
import { CONTEXT, DIM, trainOn, wander, writeCorpus } from '../retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-next-'))
const at = (name: string) => join(folder, name)
const SENTENCES = Array.from({ length: 8 }, (_, i) => `Sentence number ${i} says ${i * 7}.`)
let [run, base] = ['', '']
let vectors: Float32Array = new Float32Array(0)
let texts: readonly string[] = []
beforeAll(async () => {
  writeTinyEncoder(at('encoder'))
  writeTinyEncoder(at('other'), { seed: 3 })
  mkdirSync(at('texts'))
  for (let i = 0; i < 40; i++)
    writeFileSync(at(`texts/${i}.txt`), SENTENCES.map((text) => text.replace('says', `of story ${i} says`)).join(' '))
  base = at('base.npy')
  await makeData({ texts: at('texts'), encoder: at('encoder'), out: at('base'), dtype: 'float32', language: 'en' })
  const opened = await openBase(base)
  run = await trainOn(base, folder, 'run', { space: opened.space!, force: true })
  vectors = (await opened.vectors.data()) as Float32Array
  texts = (await opened.texts())!
  opened.dispose()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Rows by their cosine with a query, the nearest first, found one by one. */
function byHand(query: Float32Array, without: readonly number[] = []): { row: number; cosine: number }[] {
  const rows = Array.from({ length: vectors.length / DIM }, (_, row) => row)
  const cosineOf = (row: number) => {
    let [inner, a, b] = [0, 0, 0]
    for (let d = 0; d < DIM; d++) {
      const x = vectors[row * DIM + d]!
      inner += x * query[d]!
      a += x * x
      b += query[d]! ** 2
    }
    return inner / Math.sqrt(a * b)
  }
  return rows
    .filter((row) => !without.includes(row))
    .map((row) => ({ row, cosine: cosineOf(row) }))
    .sort((a, b) => b.cosine - a.cosine)
}

describe('next', () => {
  it('gives the sentences nearest to the prediction from the last vectors, without those it has read, and feeds predictions back', async () => {
    const { steps, context, bank } = await next({ run, data: base, k: 4, steps: 2, threads: 1 })
    const rows = texts.length
    using model = await load(run, { threads: 1 })
    let read: Float32Array = vectors.slice((rows - CONTEXT) * DIM)
    expect(context).toMatchObject({ source: base, vectors: CONTEXT, texts: texts.slice(-CONTEXT), encoder: null })
    expect([bank.path, bank.rows, steps.length]).toEqual([base, rows, 2])
    const seen = Array.from({ length: CONTEXT }, (_, i) => rows - CONTEXT + i)
    for (const { sentences } of steps) {
      const prediction = await model.predict(read, { context: read.length / DIM })
      for (const [i, { row, cosine }] of byHand(prediction, seen).slice(0, 4).entries()) {
        expect(sentences[i]!.cosine).toBeCloseTo(cosine, 5)
        expect(sentences[i]!.text).toBe(texts[sentences[i]!.row])
        if (i === 0) expect(sentences[i]!.row).toBe(row)
      }
      read = Float32Array.from([...read, ...prediction]) // a causal model keeps what it has read
    }
  })
  it('a text, a file of it and its own vectors are continued alike', async () => {
    const story = 'A first one. A second sentence follows! Then comes a third. And a fourth ends it.'
    writeFileSync(at('story.txt'), story)
    using encoder = await Encoder.open(at('encoder'))
    const own = ['A second sentence follows!', 'Then comes a third.', 'And a fourth ends it.']
    const values = await encoder.encode(own)
    const o = { run, encoder: at('encoder'), k: 3, threads: 1 }
    const [said, filed, given] = [
      await next({ ...o, text: story }),
      await next({ ...o, file: at('story.txt') }),
      await next({ run, k: 3, threads: 1, data: { vectors: values, texts: own, space: encoder.space } }),
    ]
    expect(said.context).toEqual({ source: null, vectors: 3, texts: own, encoder: encoder.space })
    expect(given.context.texts).toEqual(own)
    expect(filed.steps).toEqual(said.steps)
    expect(given.steps[0]!.sentences.map(({ row }) => row)).toEqual(said.steps[0]!.sentences.map(({ row }) => row))
    for (const [i, { cosine }] of given.steps[0]!.sentences.entries())
      expect(cosine).toBeCloseTo(said.steps[0]!.sentences[i]!.cosine, 6)
  })
  it('finds a sentence that it has read in the bank by its vector, and leaves it out unless told otherwise', async () => {
    const own = vectors.slice(8 * DIM, (8 + CONTEXT) * DIM)
    const asked = { run, k: texts.length, threads: 1, space: (await next({ run, data: base, threads: 1 })).bank.space! }
    const data = { vectors: own, dim: DIM }
    const rowsOf = async (more: object) =>
      new Set((await next({ ...asked, data, ...more })).steps[0]!.sentences.map(({ row }) => row))
    const [without, all] = [await rowsOf({}), await rowsOf({ exclude: 'none' })]
    expect(all.size).toBe(texts.length)
    expect([8, 9, 10].map((row) => without.has(row))).toEqual([false, false, false])
    expect(without.size).toBe(texts.length - CONTEXT)
  })
  it('refuses what cannot be continued, another encoder and other vectors', async () => {
    const o = { run, threads: 1 }
    await refused('BAD_OPTION', next(o))
    await refused('BAD_OPTION', next({ ...o, text: 'A. B.', data: base }))
    await refused('DATA_TOO_FEW', next({ ...o, text: 'Only one sentence.', encoder: at('encoder') }))
    expect(await refused('FILE_MISSING', next({ ...o, file: at('none.txt') }))).toContain('none.txt')
    await refused('FILE_MISSING', next({ ...o, file: at('none.doc') }))
    expect(await refused('SPACE_MISMATCH', next({ ...o, text: SENTENCES.join(' '), encoder: at('other') }))).toContain('encoder')
    await refused('BAD_OPTION', next({ ...o, data: base, encoder: at('encoder') }))
    const other = writeCorpus(folder, 'elsewhere', wander(2))
    await refused('SPACE_MISMATCH', next({ ...o, data: other }))
    await refused('SPACE_MISMATCH', next({ ...o, data: base, bank: other }))
    await refused('INTERRUPTED', next({ ...o, data: base }, { signal: AbortSignal.abort() }))
    const plain = await trainOn(other, folder, 'plain')
    expect(await refused('BAD_OPTION', next({ run: plain, text: SENTENCES.join(' ') }))).toContain('because a text is continued')
  })
})

describe('nearest', () => {
  it('finds the nearest rows of numbers, tensors, lists and files, with texts and articles', async () => {
    const query = vectors.slice(5 * DIM, 7 * DIM)
    using tensor = Tensor.from(query, [2, DIM])
    const lists = [0, 1].map((i) => Array.from(query.subarray(i * DIM, (i + 1) * DIM)))
    using _ = tensor
    const opened = await openBase(base)
    const found = await nearest(opened, query, 3)
    for (const [i, list] of found.entries()) {
      expect(list).toHaveLength(3)
      expect(list[0]).toEqual({ row: 5 + i, cosine: expect.closeTo(1, 6), article: '0.txt', text: texts[5 + i] })
      const expected = byHand(query.subarray(i * DIM, (i + 1) * DIM))
      for (const [j, { cosine }] of list.entries()) expect(cosine).toBeCloseTo(expected[j]!.cosine, 6)
    }
    expect(await nearest(base, tensor, 3)).toEqual(found)
    expect(await nearest(opened, lists, 3)).toEqual(found)
    expect(await nearest(opened, lists[0]!, 3)).toEqual([found[0]])
    expect((await nearest(opened, opened, 1)).every(([first], row) => first!.cosine > 0.999999 || first!.row === row)).toBe(true)
    expect((await nearest(base, base)).every((list) => list.length === 10)).toBe(true)
    opened.dispose()
  })
  it('refuses vectors of another dimension or space, numbers that are not finite, and stops', async () => {
    const other = writeCorpus(folder, 'third', wander(3))
    const opened = await openBase(base)
    expect(await refused('DATA_SHAPE', nearest(opened, new Float32Array(DIM + 1)))).toContain(`dimension ${DIM}`)
    await refused('SPACE_MISMATCH', nearest(opened, other))
    await refused('SPACE_MISMATCH', nearest(opened, new Float32Array(DIM), 1, { space: 'another' }))
    await refused('DIVERGED', nearest(opened, new Float32Array(DIM).fill(Number.NaN)))
    await refused('BAD_OPTION', nearest(opened, new Float32Array(DIM), 0))
    await refused('BAD_OPTION', nearest(3 as never, new Float32Array(DIM)))
    await refused('INTERRUPTED', nearest(opened, opened, 1, {}, { signal: AbortSignal.abort() }))
    opened.dispose()
  })
})
