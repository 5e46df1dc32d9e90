import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { predict } from '../../../lib/evaluate/predict.js'
import { type DecodeOptions, decode } from '../../../lib/study/decode/decode.js'
import type { DecodedRow } from '../../../lib/study/decode/decoded-row.js'
import { retrieve } from '../../../lib/study/retrieval/retrieve.js'
import { bytesOf, npy, refused } from '../../files/fixture.js'
import { CONTEXT, DIM, trainOn, wander, writeCorpus, writeSequences } from '../retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-decode-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const vectors = wander(1)
const at = (name: string) => join(folder, name)
let run = ''
let predictions = ''
const decoded = (o: DecodeOptions) => decode(o.run === undefined ? o : { threads: 1, ...o })
const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b))
const vector = (row: number, of = vectors) => of.subarray(row * DIM, (row + 1) * DIM)

/** The nearest row by a plain search. */
function nearestOf(query: Float32Array, leftOut: readonly number[] = []) {
  let best = { row: -1, cosine: -Infinity }
  for (let row = 0; row < vectors.length / DIM; row++) {
    const found = leftOut.includes(row) ? -Infinity : cosine(query, vector(row))
    if (found > best.cosine) best = { row, cosine: found }
  }
  return best
}

beforeAll(async () => {
  run = await trainOn(writeCorpus(folder, 'corpus', vectors), folder, 'run')
  predictions = (await predict({ run, out: at('P.npy'), threads: 1 })).out
})

describe('decode of a run', () => {
  it('decode of a run gives each prediction its nearest sentence, its context and the true next sentence', async () => {
    const { rows, ...head } = await decoded({ run })
    const { val } = JSON.parse(readFileSync(join(run, 'split.json'), 'utf8')) as { val: number[] }
    expect(rows.map(({ row }) => row)).toEqual(val)
    expect(head).toMatchObject({ decoder: { name: 'nearest', generated: false }, part: 'val', trained_on: 0, of: val.length })
    expect(head).toMatchObject({ count: val.length, exclude: 'none', vectors: null, bank: { rows: vectors.length / DIM } })
    const said = new Float32Array(readFileSync(predictions).buffer.slice(-4 * DIM * val.length))
    for (const i of [0, 7, val.length - 1]) {
      const [row, query] = [rows[i]!, vector(i, said)]
      const near = nearestOf(query)
      expect(row).toMatchObject({ text: `sentence ${near.row}`, nearest: { row: near.row, text: `sentence ${near.row}` } })
      expect(row.cosine).toBe(row.nearest!.cosine)
      expect(row.cosine).toBeCloseTo(near.cosine, 5)
      expect(row.target).toMatchObject({ row: val[i], text: `sentence ${val[i]}` })
      expect(row.target!.cosine).toBeCloseTo(cosine(query, vector(val[i]!)), 5)
      expect(row.context).toEqual(Array.from({ length: CONTEXT }, (_, t) => `sentence ${val[i]! - CONTEXT + t}`))
    }
  })
  it.each(['own.json', 'own.jsonl'])('decode replaces %s, which it wrote itself', async (name) => {
    const out = at(name)
    for (const limit of [2, 1]) await decode({ run, out, limit })
    expect(readFileSync(out, 'utf8').match(/"nearest":\{/g)).toHaveLength(1)
  })
  it('decode with a limit takes windows at evenly spaced quantiles of their cosine, the lowest first', async () => {
    const all = (await decoded({ run })).rows.map(({ target }) => target!.cosine).sort((a, b) => a - b)
    const { rows, chosen, count, of } = await decoded({ run, limit: 4 })
    const expected = [1, 3, 5, 7].map((eighth) => all[Math.floor((eighth * all.length) / 8)]!)
    for (const [i, { target }] of rows.entries()) expect(target!.cosine).toBeCloseTo(expected[i]!, 5)
    expect([rows.length, count, of]).toEqual([4, 4, all.length])
    expect(chosen).toBe('4 windows at evenly spaced quantiles of the cosine with the true next vector, the lowest first')
    expect((await decoded({ run, limit: 0 })).rows).toEqual([])
  })
  it('decode without the context never shows a sentence that the model has just read', async () => {
    const seen = (rows: readonly DecodedRow[]) => rows.filter(({ text, context }) => context!.includes(text!)).length
    const [all, left] = [await decoded({ run }), await decoded({ run, exclude: 'context' })]
    expect(seen(all.rows)).toBeGreaterThan(0)
    expect([seen(left.rows), left.exclude]).toEqual([0, 'context'])
    // a copy of the data has another hash, so its rows are found by their vectors
    const copy = writeCorpus(folder, 'copy', vectors)
    const other = await decoded({ run, exclude: 'context', bank: copy })
    expect(other.rows.map(({ nearest }) => nearest!.row)).toEqual(left.rows.map(({ nearest }) => nearest!.row))
  })
  it('decode without the context shows no sentence when the bank holds nothing else', async () => {
    const own = (await decoded({ run, limit: 1 })).rows[0]!
    const rows = Array.from({ length: CONTEXT }, (_, t) => own.row - CONTEXT + t)
    const small = writeCorpus(folder, 'small', Float32Array.from(rows.flatMap((row) => [...vector(row)])))
    const [only] = (await decoded({ run, limit: 1, bank: small, exclude: 'context' })).rows
    expect(only).toMatchObject({ text: null, cosine: null, nearest: null, target: own.target })
    expect((await decoded({ run, limit: 1, bank: small })).rows[0]!.nearest!.row).toBeLessThan(CONTEXT)
  })
  it('decode agrees with retrieve on the nearest rows of its failures', async () => {
    const { results } = await retrieve({ runs: [run], out: at('reports'), threads: 1 })
    const { rows } = await decoded({ run })
    const failures = results.runs[0]!.failures!
    expect(failures.length).toBeGreaterThan(0)
    for (const { row, neighbours } of failures) expect(rows.find((r) => r.row === row)!.nearest!.row).toBe(neighbours[0]!.row)
  })
  it('decode reads the predictions of a run on sequences, whose contexts have no sentences', async () => {
    const own = await trainOn(writeSequences(folder, 'sequences', vectors), folder, 'of-sequences')
    const { rows } = await decoded({ run: own, bank: at('corpus.npy'), exclude: 'context', limit: 5 })
    for (const { context, target, nearest } of rows) {
      expect([context, target]).toEqual([null, null])
      expect(nearest!.text).toMatch(/^sentence \d+$/)
    }
    expect(await refused('TEXT_MISSING', decoded({ run: own }))).toContain('expected a sentence for each row of "bank"')
  })
})

describe('decode of a file', () => {
  it('decode of a file that predict wrote knows the run, the true sentences and the bank', async () => {
    const [ofRun, ofFile] = [
      await decoded({ run, exclude: 'context' }),
      await decoded({ vectors: predictions, exclude: 'context' }),
    ]
    const rows = ofFile.rows.map(({ row, ...rest }) => ({ ...rest, row: rest.target!.row }))
    expect(rows).toEqual(ofRun.rows)
    expect(ofFile.rows.map(({ row }) => row)).toEqual([...ofRun.rows.keys()])
    expect(ofFile).toMatchObject({ vectors: predictions, part: 'val', trained_on: 0, data: ofRun.data, bank: ofRun.bank })
    expect((await decoded({ vectors: predictions, limit: 2 })).rows).toHaveLength(2)
  })
  it('decode of any other vectors needs a bank of the same space', async () => {
    writeFileSync(at('plain.npy'), npy('<f4', [2, DIM], bytesOf(vectors.slice(0, 2 * DIM))))
    const bank = at('corpus.npy')
    expect(await refused('BAD_OPTION', decoded({ vectors: at('plain.npy') }))).toContain(
      'a base with a sentence for each row for "bank"',
    )
    expect(await refused('SPACE_MISMATCH', decoded({ vectors: at('plain.npy'), bank }))).toContain('"test"')
    await refused('SPACE_MISMATCH', decoded({ vectors: at('plain.npy'), bank, space: 'other' }))
    const { rows, data } = await decoded({ vectors: at('plain.npy'), bank, space: 'test' })
    expect(rows.map(({ row, text, target, context }) => [row, text, target, context])).toEqual([
      [0, 'sentence 0', null, null],
      [1, 'sentence 1', null, null],
    ])
    expect(rows[0]!.cosine).toBeCloseTo(1, 6)
    expect(data).toBe(null)
  })
  it('decode of a base shows the own sentence of each row beside the nearest of another base', async () => {
    const other = writeCorpus(folder, 'other', wander(2))
    const { rows } = await decoded({ vectors: other, bank: at('corpus.npy'), limit: 3 })
    for (const [i, { row, target, nearest }] of rows.entries()) {
      expect([row, target!.text]).toEqual([i, `sentence ${i}`])
      expect(target!.cosine).toBeCloseTo(1, 6)
      expect(nearest!.cosine).toBeLessThan(0.999)
    }
  })
  it('decode of no vectors gives no rows', async () => {
    writeFileSync(at('none.npy'), npy('<f4', [0, DIM], new Uint8Array(0)))
    expect(await decoded({ vectors: at('none.npy') })).toMatchObject({ rows: [], of: 0, count: 0 })
  })
  it('decode refuses vectors that cannot be read as sentences, each with its code', async () => {
    const bank = at('corpus.npy')
    const file = (name: string, columns: number, values: number[]) => {
      writeFileSync(at(name), npy('<f4', [values.length / columns, columns], bytesOf(Float32Array.from(values))))
      return { vectors: at(name), bank, space: 'test' }
    }
    await refused('DATA_SHAPE', decoded(file('narrow.npy', 2, [1, 0])))
    await refused('DATA_ZERO', decoded(file('zero.npy', DIM, Array(DIM).fill(0))))
    await refused('DATA_NOT_FINITE', decoded(file('nan.npy', DIM, Array(DIM).fill(Number.NaN))))
    await refused('FILE_MISSING', decoded({ vectors: at('missing.npy'), bank }))
    await refused('BAD_OPTION', decoded({ vectors: at('sequences.npz'), bank }))
    const bare = file('bare.npy', DIM, Array(DIM).fill(1))
    expect(await refused('TEXT_MISSING', decoded({ ...bare, bank: at('nan.npy').replace('nan', 'bare') }))).toContain(
      'no .jsonl beside it',
    )
  })
  it('decode refuses predictions whose data has changed since', async () => {
    const index = JSON.parse(readFileSync(at('P.json'), 'utf8'))
    writeFileSync(at('Q.npy'), readFileSync(predictions))
    writeFileSync(at('Q.json'), JSON.stringify({ ...index, data: { ...index.data, hash: '0'.repeat(64) } }))
    expect(await refused('DATA_CHANGED', decoded({ vectors: at('Q.npy') }))).toContain('corpus.npy')
  })
})

describe('the options of decode', () => {
  it('decode refuses options without effect, each with the reason', async () => {
    const refusal = (o: DecodeOptions) => refused('BAD_OPTION', decode(o))
    expect(await refusal({})).toContain('a run, or a file as "vectors"')
    expect(await refusal({ run, vectors: predictions })).toContain('but not both')
    for (const given of [{ threads: 1 }, { rows: 'all' }, { data: 'x' }, { normalize: true }] as const)
      expect(await refusal({ vectors: predictions, ...given })).toContain('is a file of vectors and not a run')
    expect(await refusal({ vectors: at('corpus.npy'), bank: at('corpus.npy'), exclude: 'context' })).toContain(
      'context of these vectors',
    )
    expect(await refusal({ run, decoder: 'other' })).toContain('"decoder"')
    expect(await refusal({ run, limit: -1 })).toContain('"limit"')
  })
  it('decode passes each row on as it is made, and stops at a signal', async () => {
    const heard: DecodedRow[] = []
    const { rows } = await decoded({ run, limit: 3, onRow: (row) => heard.push(row) })
    expect(heard).toEqual(rows)
    const controller = new AbortController()
    const stopped = decoded({ run, signal: controller.signal, onRow: () => controller.abort(new Error('enough')) })
    const cause = expect.objectContaining({ message: 'enough' })
    await expect(stopped).rejects.toThrow(expect.objectContaining({ code: 'INTERRUPTED', cause }))
    expect(existsSync(join(run, 'lock'))).toBe(false)
  })
})
