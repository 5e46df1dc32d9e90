import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { askBank } from '../../lib/banks/bank-search.js'
import { baseRows } from '../../lib/banks/base-rows.js'
import { factsOf, openBank } from '../../lib/banks/open-bank.js'
import { bankInfo, openBase, pushBank, retrieve, verifyBank } from '../../lib/index.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { refused } from '../files/fixture.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'

// biome-ignore lint/suspicious/noExplicitAny: any part of a document
type Json = Record<string, any>

let made: Promise<{ run: string; data: string }> | undefined
/** A small run and its data, with a text for every row. */
export function smallRun(): Promise<{ run: string; data: string }> {
  made ??= (async () => {
    const data = await vectorFile('base', { text: (row) => `sentence ${row}` })
    await trained({ ...TINY, model: 'lstm', data, name: 'banked' })
    return { run: join(TINY.out, 'banked'), data }
  })()
  return made
}

export async function entry(options: Json, name: string): Promise<Json> {
  const out = place(name)
  const { run } = await smallRun()
  await retrieve({ runs: [run], out, ...options })
  return JSON.parse(readFileSync(join(out, 'retrieval_results.json'), 'utf8')).runs[0]
}

/** What every bank must do; `address` names a table of the database. */
export function bankCases(database: string, address: (table: string) => string): void {
  it(`${database}: a pushed base is whole, and a second push stores nothing`, async () => {
    const { data } = await smallRun()
    const url = address('whole')
    const first = await pushBank(data, url)
    expect(first).toMatchObject({ rows: 288, dim: 16, pushed: 288 })
    expect(await verifyBank(url, data)).toMatchObject({ rows: 288, different: 0, first: [] })
    expect(await bankInfo(url)).toMatchObject({ stored: 288, rows: 288, finished: true, dim: 16, space: null })
    expect(await pushBank(data, url)).toMatchObject({ pushed: 0 })
  })
  it(`${database}: exact figures equal those of plain retrieve, and those of the database up to the Top-20`, async () => {
    const { data } = await smallRun()
    const url = address('figures')
    await pushBank(data, url, { index: false })
    const { bank: _, ...plain } = await entry({}, 'plain')
    const { bank: exactBank, ...exact } = await entry({ bank: url, bankSearch: 'exact' }, 'exact')
    expect(exact).toEqual(plain)
    expect(exactBank.search).toEqual({ method: 'exact', index: null, recall20: 1, queries: plain.n })
    const searched = await entry({ bank: url }, 'searched')
    expect(searched.bank.search).toEqual({ method: 'index', index: null, recall20: 1, queries: 0 })
    for (const pool of ['with_context', 'without_context'])
      for (const score of ['top1', 'top5', 'top10', 'top20', 'ndcg10', 'excluded', 'pool']) {
        expect(searched.scores[pool][score]).toEqual(plain.scores[pool][score])
        expect(searched.baselines.copy_last.scores[pool][score]).toEqual(plain.baselines.copy_last.scores[pool][score])
      }
    const seen = searched.failures[0].neighbours.map(({ row }: Json) => row)
    expect(seen).toEqual(
      plain.failures.find(({ row }: Json) => row === searched.failures[0].row).neighbours.map(({ row }: Json) => row),
    )
  })
  it(`${database}: a search leaves out ranges of rows`, async () => {
    const { data } = await smallRun()
    const url = address('ranges')
    await pushBank(data, url)
    const bank = await openBank('test', url)
    const { vectors } = await bank.rows(7, 1)
    const near = async (without: [number, number][]) => (await bank.nearest(vectors, { count: 1, k: 5, without }))[0]!
    const [all, some] = [await near([]), await near([[5, 9], [20, 24]])] // biome-ignore format: two ranges
    expect(all[0]).toBe(7)
    expect(some).toHaveLength(5)
    expect(some.filter((row) => (row >= 5 && row < 9) || (row >= 20 && row < 24))).toEqual([])
    expect(all.filter((row) => row < 5 || (row >= 9 && row < 20) || row >= 24)).toEqual(
      some.slice(0, all.filter((row) => some.includes(row)).length),
    )
    await bank.close()
  })
  it(`${database}: a push that was stopped cannot be searched, and goes on where it stopped`, async () => {
    const long = await vectorFile(`long-${database}`, { articles: 25, length: 60, dim: 2048, noise: true })
    const { data } = await smallRun()
    const url = address('stopped')
    const base = await openBase(long)
    const bank = await openBank('test', url)
    await bank.create(await factsOf(base))
    for (const at of [0, 512]) await bank.add(await baseRows(base, undefined, at, 512)) // as a push that is killed then
    await bank.close()
    base.dispose()
    expect(await bankInfo(url)).toMatchObject({ stored: 1024, rows: 1500, finished: false })
    expect(await refused('BANK_UNFINISHED', verifyBank(url, long))).toContain('1024 of 1500')
    expect(await refused('BANK_UNFINISHED', entry({ bank: url }, 'unfinished'))).toContain('1500')
    expect(await refused('BANK_MISMATCH', pushBank(data, url))).toContain('dimension')
    expect(await pushBank(long, url, { index: false })).toMatchObject({ rows: 1500, pushed: 476 })
    expect(await verifyBank(url, long)).toMatchObject({ different: 0 })
  })
  it(`${database}: another base of the same shape, another dimension and another space are refused`, async () => {
    const { data } = await smallRun()
    const url = address('others')
    await pushBank(data, url)
    const other = await vectorFile(`other-${database}`, { seed: 2 })
    expect(await refused('BANK_MISMATCH', pushBank(other, url))).toContain('hash')
    expect(await refused('BANK_MISMATCH', verifyBank(url, other))).toContain('hash')
    expect(await refused('BANK_MISMATCH', pushBank(data, url, { space: 'elsewhere' }))).toContain('elsewhere')
    expect(await verifyBank(url, data)).toMatchObject({ different: 0 })
    const wide = await vectorFile(`wide-${database}`, { dim: 32 })
    await pushBank(wide, address('wide'))
    expect(await refused('BANK_MISMATCH', entry({ bank: address('wide') }, 'wide'))).toContain('dimension')
    await pushBank(other, address('foreign'), { space: 'elsewhere' })
    await refused('SPACE_MISMATCH', entry({ bank: address('foreign') }, 'foreign'))
  })
  it(`${database}: an address where nothing was pushed is refused`, async () => {
    await refused('BANK_MISSING', bankInfo(address('nothing')))
    await refused('BANK_MISSING', entry({ bank: address('nothing') }, 'nothing'))
  })
  it(`${database}: the recall@20 of an index is measured against exact answers`, async () => {
    const data = await vectorFile(`many-${database}`, { articles: 50, length: 120, noise: true })
    const url = address('indexed')
    expect((await pushBank(data, url)).index).not.toBeNull()
    const bank = await openBank('test', url)
    const base = await openBase(data)
    const { vectors } = await bank.rows(0, 40)
    const [n, dim] = [40, 16]
    const queries = vectors.map((x, i) => x + Math.sin(i))
    const part = (from: Float32Array) => async (at: number, count: number) =>
      Tensor.from(from.slice(at * dim, (at + count) * dim), [count, dim])
    const target = Int32Array.from({ length: n }, (_, i) => i)
    const from = Int32Array.from({ length: n + 1 }, (_, i) => i)
    const excluded = { from, begin: new Int32Array(n).fill(100), end: new Int32Array(n).fill(200) }
    const asked = { vectors: base.vectors, target, excluded, exact: undefined, query: part(queries) }
    const { found } = await askBank(bank, asked)
    expect(await askBank(bank, { ...asked, exact: async () => found.allowed })).toMatchObject({ recall20: 1, sampled: 40 })
    const nearer = { ...found.allowed, cosines: found.allowed.cosines.map((cosine, i) => (i % 20 === 19 ? cosine + 1 : cosine)) }
    expect((await askBank(bank, { ...asked, exact: async () => nearer })).recall20).toBe(0)
    expect(found.allowed.rows.filter((row) => row >= 100 && row < 200)).toHaveLength(0)
    expect(found.all.rows.filter((row) => row >= 100 && row < 200).length).toBeGreaterThan(0)
    const perfect = await askBank(bank, { ...asked, query: part(vectors) })
    expect([...perfect.found.all.ahead].filter((ahead) => ahead === 0).length).toBeGreaterThan(36)
    await bank.close()
  })
}
