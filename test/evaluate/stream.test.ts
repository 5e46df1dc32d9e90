import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readings } from '../../lib/evaluate/stream-predictions.js'
import { load, predict, rollout, train } from '../../lib/index.js'
import { bytesOf, npy, refused } from '../files/fixture.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-stream-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)
const DIM = 16
/** Models with a fixed maximum number of positions, and the option that sets it. */
const BOUND = ['hyena', 'distilgpt2'] as const
const ALL = [...BOUND, 'lstm'] as const
const LENGTHS = [...Array(11).fill(12), 40]

/** Vectors with norms far from 1. */
function vectors(count: number): Float32Array {
  return Float32Array.from({ length: count * DIM }, (_, i) => 3 * Math.sin(i * 1.7 + (i % 7)))
}
beforeAll(async () => {
  const rows = LENGTHS.reduce((a, b) => a + b, 0)
  writeFileSync(at('base.npy'), npy('<f4', [rows, DIM], bytesOf(vectors(rows))))
  const lines = LENGTHS.flatMap((length, i) =>
    Array.from({ length }, (_, index) => JSON.stringify({ article_id: `article ${i}`, index })),
  )
  writeFileSync(at('base.jsonl'), `${lines.join('\n')}\n`)
  for (const model of ALL) {
    const positions = BOUND.some((name) => name === model) ? { positions: 16 } : {}
    const run = train({
      model,
      ...positions,
      data: at('base.npy'),
      preset: 'tiny',
      epochs: 1,
      batchSize: 8,
      out: folder,
      name: model,
      force: true,
    })
    for await (const _ of run);
  }
}, 120_000)

describe.each(BOUND)('%s, which is built for 16 positions,', (model) => {
  it('predict refuses to stream an article longer than the model takes before it reads, and names the article', async () => {
    const message = await refused('BAD_OPTION', predict({ run: at(model), out: at('p.npy'), rows: 'all', stream: true }))
    expect(message).toMatch(
      /^predict --stream: expected articles \(the longest is "article 11"\) of at most 16 vectors, .* but received 39$/,
    )
  })
  it('longer contexts, texts and rollouts are refused with the bound, and memory "auto" uses windows instead', async () => {
    using m = await load(at(model))
    expect(m.contexts.longest).toBe(16)
    expect(await refused('BAD_OPTION', m.predict(vectors(17), { context: 17 }))).toMatch(/contexts of at most 16 vectors/)
    const stepper = m.stepper()
    for (let t = 0; t < 16; t++) await stepper.step(vectors(1))
    expect(await refused('BAD_OPTION', stepper.step(vectors(1)))).toMatch(/texts of at most 16 vectors.* received 17/)
    await stepper.reset()
    await stepper.step(vectors(1))
    stepper.dispose()
    const long = { run: at(model), steps: 20, rows: 'all' } as const
    expect(await refused('BAD_OPTION', rollout({ ...long, memory: 'stream' }))).toMatch(/texts of at most 16 vectors/)
    expect((await rollout(long)).memory).toBe('window')
    expect((await rollout({ ...long, steps: 5 })).memory).toBe('stream')
  })
})

const floats = (file: string) => {
  const bytes = readFileSync(file)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + 10 + bytes.readUInt16LE(8), bytes.byteOffset + bytes.length))
}
describe.each([false, true])('predict with stream %s', (stream) => {
  it('predict writes unit vectors whatever the scale of the data, or raw vectors of the same direction, and records the scale', async () => {
    const base = { run: at('lstm'), rows: 'all', stream } as const
    const unit = await predict({ ...base, out: at('unit.npy') })
    const raw = await predict({ ...base, out: at('raw.npy'), raw: true })
    expect([unit.scale, raw.scale]).toEqual(['unit', 'raw'])
    const said = [unit, raw].map(({ index }) => JSON.parse(readFileSync(index, 'utf8')).scale)
    expect(said).toEqual(['unit', 'raw'])
    const [a, b] = [floats(unit.out), floats(raw.out)]
    expect(a.length).toBe(unit.rows * DIM)
    for (let row = 0; row < unit.rows; row++) {
      const [u, r] = [a.subarray(row * DIM, (row + 1) * DIM), b.subarray(row * DIM, (row + 1) * DIM)]
      const length = Math.hypot(...r)
      expect(Math.hypot(...u)).toBeCloseTo(1, 5)
      expect(Math.abs(length - 1)).toBeGreaterThan(1e-3)
      for (const [d, value] of r.entries()) expect(u[d]).toBeCloseTo(value / length, 4)
    }
  })
})

describe('where articles begin', () => {
  const rows = 1_000_000
  const first = Int32Array.from({ length: rows - 5 }, (_, i) => i)
  const windows = { first, target: first.map((row) => row + 5) }
  it('readings takes one pass over a million rows of one article', () => {
    const began = performance.now()
    expect(readings({ base: { rows }, windows, ids: first })).toEqual([{ first: 0, end: rows - 1 }])
    expect(performance.now() - began).toBeLessThan(5000) // a scan back from each row would take 5 · 10¹¹ steps
  })
  it('readings finds the first row of each article, the longest article first', () => {
    const of = Int32Array.from([0, 0, 0, 1, 1, 2, 2, 2, 2])
    const ids = Int32Array.from([0, 1, 2, 3])
    const small = { first: Int32Array.from([0, 3, 5, 6]), target: Int32Array.from([2, 4, 7, 8]) }
    expect(readings({ base: { rows: 9, articles: { ids: ['a', 'b', 'c'], of } }, windows: small, ids })).toEqual([
      { first: 5, end: 8 },
      { first: 0, end: 2 },
      { first: 3, end: 4 },
    ])
  })
})
