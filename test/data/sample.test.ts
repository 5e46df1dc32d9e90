import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface Row {
  article_id: string
  title: string
  index: number
  text: string
  categories?: string[]
}

const read = (name: string) => readFileSync(new URL(`../../data/sample/factbook${name}`, import.meta.url))
const npy = read('.npy')
const card = JSON.parse(read('.card.json').toString())
const lines = read('.jsonl').toString().trimEnd().split('\n')
const rows: Row[] = lines.map((line) => JSON.parse(line))

/** Read without lib/data, so that a bug there cannot hide an error in the sample. */
const start = 10 + npy.readUInt16LE(8)
const header = npy.toString('latin1', 10, start)
const [count, dim] = header
  .match(/\((\d+), (\d+)\)/)!
  .slice(1)
  .map(Number) as [number, number]

/** Converts the bits of an IEEE 754 half to a number. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31
  const size = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -size : size
}

function norm(row: number): number {
  let sum = 0
  for (let k = 0; k < dim; k++) sum += half(npy.readUInt16LE(start + 2 * (row * dim + k))) ** 2
  return Math.sqrt(sum)
}

describe('the sample in data/sample', () => {
  it('the sample is an .npy below 3 MB with one float16 row per line of text', () => {
    expect(npy.toString('latin1', 1, 6)).toBe('NUMPY')
    expect(header).toContain("'descr': '<f2', 'fortran_order': False")
    expect(dim).toBe(768)
    expect(count).toBeGreaterThanOrEqual(1200)
    expect(npy.length).toBe(start + 2 * count * dim)
    expect(npy.length).toBeLessThan(3e6)
    expect(rows.length).toBe(count)
  })
  it('the sample holds finite unit vectors without duplicates', () => {
    const norms = Array.from({ length: count }, (_, row) => norm(row))
    expect(Math.min(...norms)).toBeGreaterThan(0.999)
    expect(Math.max(...norms)).toBeLessThan(1.001)
    const distinct = new Set(norms.map((_, row) => npy.toString('base64', start + 2 * row * dim, start + 2 * (row + 1) * dim)))
    expect(distinct.size).toBe(count)
  })
  it('the sample keeps the rows of each article together and in order, with the region on the first row only', () => {
    const begun = new Set<string>()
    for (const [at, row] of rows.entries()) {
      const before = rows[at - 1]
      const first = row.article_id !== before?.article_id
      expect(row.index).toBe(first ? 0 : before!.index + 1)
      expect(row.categories?.length).toBe(first ? 1 : undefined)
      if (!first) {
        expect(row.title).toBe(before!.title)
        continue
      }
      expect(begun).not.toContain(row.article_id)
      begun.add(row.article_id)
    }
    expect(begun.size).toBeGreaterThanOrEqual(55)
    expect(begun.size).toBeLessThanOrEqual(65)
  })
  it('the sample holds sentences of 20 to 220 characters without markup', () => {
    for (const { text } of rows) {
      expect(text.length, text).toBeGreaterThanOrEqual(20)
      expect(text.length, text).toBeLessThanOrEqual(220)
      expect(text).not.toMatch(/<\w|&\w+;|\s\s|^\s|\s$|https?:|\t|\n/)
    }
  })
  it('the sample agrees with its card', () => {
    expect(card.space).toBe('all-mpnet-base-v2 · mean pooling · L2')
    for (const key of ['source', 'licence', 'encoder']) expect(card[key], key).toMatch(/\w/)
    const { statistics } = card
    expect(statistics.rows).toBe(count)
    expect(statistics.articles).toBe(new Set(rows.map((row) => row.article_id)).size)
    expect(statistics.regions).toBe(new Set(rows.flatMap((row) => row.categories ?? [])).size)
    expect(statistics.mean_characters).toBeCloseTo(rows.reduce((sum, row) => sum + [...row.text].length, 0) / count, 1)
    expect(statistics.baselines.windows).toBe(rows.filter((row) => row.index >= 5).length)
    expect(statistics.baselines.windows).toBeGreaterThanOrEqual(800)
  })
})
