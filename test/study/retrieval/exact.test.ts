import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NativeBank, native } from '../../../lib/native.js'
import type { Ranking, Retrieval } from '../../../lib/rankings.js'
import { Tensor } from '../../../lib/torch/tensor.js'
import { bruteForce, type Case, makeCase, rounded, tensorOf, toHalf } from './banks.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-retrieval-'))
beforeAll(() => native.setThreads(2))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function search(c: Case, bank: Tensor, k: number) {
  using queries = Tensor.from(c.queries, [c.target.length, c.dim])
  return native.retrieve(queries.native, bank.native, c, k)
}

function expectEqual(found: Ranking, c: Case, k: number, without: boolean): void {
  bruteForce(c, k, without).forEach((want, i) => {
    const at = (list: Int32Array | Float64Array) => [...list.subarray(i * k, i * k + want.rows.length)]
    const name = `query ${i}`
    expect([found.ahead[i], found.tied[i]], name).toEqual([want.ahead, want.tied])
    expect(at(found.rows), name).toEqual(want.rows)
    for (const key of ['cosines', 'toTarget'] as const)
      at(found[key]).forEach((cosine, j) => {
        expect(Math.abs(cosine - want[key][j]!), name).toBeLessThan(1e-13)
      })
    const rest = found.rows.subarray(i * k + want.rows.length, (i + 1) * k)
    expect([...rest], name).toEqual(new Array(rest.length).fill(-1))
  })
}

const DIMS = [1, 2, 3, 5, 8, 16, 17, 31, 33, 48, 64, 100, 128, 200, 256, 300, 384, 512, 768, 1000]

describe('retrieve', () => {
  it.each(DIMS.map((dim, i) => ({ dim, seed: i, rows: [1, 7, 130, 700, 4500][i % 5]!, half: i % 2 === 1 })))(
    'the native search equals a search in float64: $rows rows of $dim, float16 $half',
    async ({ dim, seed, rows, half }) => {
      const made = makeCase({ seed, dim, rows, n: rows > 1000 ? 6 : 24, whole: seed % 3 === 0 })
      const c = half ? rounded(made) : made
      using bank = tensorOf(c, half)
      const k = 12
      const { all, allowed } = await search(c, bank, k)
      expectEqual(all, c, k, false)
      expectEqual(allowed, c, k, true)
    },
  )
  it.each([
    { half: false, wrong: 0 },
    { half: true, wrong: 0 },
    { half: false, wrong: 0.3 },
  ])(
    'the native search of sums of shared vectors equals that of the vectors themselves: float16 $half, weights wrong by $wrong',
    async ({ half, wrong }) => {
      const [dim, n, width] = [96, 40, 3]
      const made = makeCase({ seed: 5, dim, rows: 2500, n, whole: false })
      const parts = Float32Array.from({ length: (n + width) * dim }, (_, i) => Math.sin(i * i) + (i % 7 === 0 ? 0.5 : 0))
      const rows = Int32Array.from({ length: n * width }, (_, i) => Math.floor(i / width) + (i % width))
      const right = Float64Array.from({ length: n * width }, (_, i) => (i % 5) / 4)
      const queries = Float32Array.from({ length: n * dim }, (_, at) => {
        const [i, d] = [Math.floor(at / dim), at % dim]
        return Array.from({ length: width }, (_, j) => right[i * width + j]! * parts[(i + j) * dim + d]!).reduce((a, b) => a + b)
      })
      const c = { ...(half ? rounded(made) : made), queries }
      using bank = tensorOf(c, half)
      using shared = Tensor.from(parts, [n + width, dim])
      using wanted = Tensor.from(queries, [n, dim])
      const weights = right.map((weight, i) => weight + wrong * Math.cos(i))
      const found = await native.retrieve(wanted.native, bank.native, c, 12, { parts: shared.native, rows, weights })
      expect(found).toEqual(await search(c, bank, 12))
      expectEqual(found.allowed, c, 12, true)
    },
  )
  it('the native search refuses sums that do not fit the queries', async () => {
    const c = makeCase({ seed: 6, dim: 8, rows: 50, n: 5, whole: false })
    using bank = tensorOf(c, false)
    using wanted = Tensor.from(c.queries, [5, 8])
    const ask = async (parts: Tensor, rows: number[], weights = rows.map(() => 1)) => {
      const sums = { parts: parts.native, rows: Int32Array.from(rows), weights: Float64Array.from(weights) }
      await native.retrieve(wanted.native, bank.native, c, 1, sums)
    }
    using narrow = Tensor.from(new Float32Array(12), [3, 4])
    using parts = Tensor.from(new Float32Array(24), [3, 8])
    using infinite = Tensor.from(new Float32Array(24).fill(Infinity), [3, 8])
    using many = Tensor.from(new Float32Array(8 * 4000).fill(1), [4000, 8])
    await expect(ask(narrow, [0, 1, 2, 0, 1])).rejects.toThrow(/as wide as the queries/)
    await expect(ask(parts, [0, 1, 2, 3, 0])).rejects.toThrow(/sums of float32 vectors/)
    await expect(ask(parts, [0, 1, 2])).rejects.toThrow(/a row and a weight for each term/)
    await expect(ask(infinite, [0, 1, 2, 0, 1])).rejects.toThrow(/finite vectors/)
    await expect(ask(many, [0, 3999, 0, 1, 0, 1, 0, 1, 0, 1])).rejects.toThrow(/near one another/)
  })
  it('the native search distinguishes rows whose cosines are equal in float32', async () => {
    const dim = 64
    const made = makeCase({ seed: 77, dim, rows: 1, n: 1, whole: false })
    const rows = 300
    const bank = new Float32Array(rows * dim)
    for (let i = 0; i < rows; i++)
      bank.set(
        made.bank.map((x, d) => (d === i % dim ? x * (1 + (i + 1) * 2 ** -23) : x)),
        i * dim,
      )
    const c = { ...made, bank, queries: made.bank.map((x, d) => x + 0.5 * Math.sin(d)), target: Int32Array.of(150) }
    using table = tensorOf(c, false)
    const { all } = await search({ ...c, first: Int32Array.of(0, 0), excluded: new Int32Array(0) }, table, 40)
    const [want] = bruteForce({ ...c, first: Int32Array.of(0, 0), excluded: new Int32Array(0) }, 40, false)
    expect(new Set(want!.cosines.map((x) => Math.fround(x))).size).toBeLessThan(20) // otherwise the test is not conclusive
    expect([all.ahead[0], all.tied[0]]).toEqual([want!.ahead, want!.tied])
    expect([...all.rows]).toEqual(want!.rows)
  })
  it('the native search reads a float16 bank from a file at any byte offset', async () => {
    const c = rounded(makeCase({ seed: 5, dim: 32, rows: 900, n: 30, whole: false }))
    const path = join(folder, 'bank.bin')
    writeFileSync(path, Buffer.concat([Buffer.alloc(14), Buffer.from(Uint16Array.from(c.bank, toHalf).buffer)]))
    using mapped = Tensor.map(path, { offset: 14, shape: [900, 32], dtype: 'float16' })
    expectEqual((await search(c, mapped, 5)).allowed, c, 5, true)
  })
  it('the native search does not depend on the number of threads', async () => {
    const c = makeCase({ seed: 6, dim: 96, rows: 5000, n: 40, whole: false })
    using bank = tensorOf(c, false)
    const two = await search(c, bank, 20)
    native.setThreads(1)
    const one = await search(c, bank, 20)
    native.setThreads(2)
    expect(one).toEqual(two)
  })
  it.each([1e-30, 1e-3, 1e30])(
    'the native search equals a search in float64 when all rows have a length near %d',
    async (length) => {
      for (const n of [1, 2, 3, 4, 5, 40]) {
        const made = makeCase({ seed: n, dim: 40, rows: 150, n, whole: false })
        const c = { ...made, bank: made.bank.map((x) => Math.fround(x * length)) }
        using bank = tensorOf(c, false)
        const { all, allowed } = await search(c, bank, 7)
        expectEqual(all, c, 7, false)
        expectEqual(allowed, c, 7, true)
      }
    },
  )
  it('searches at the same time in one prepared bank find the same rows as alone', async () => {
    const made = [1, 2, 3, 4, 5, 30].map((n) => makeCase({ seed: n, dim: 64, rows: 5000, n, whole: false }))
    const table = made[0]!.bank
    const all = made.map((c) => ({ ...c, bank: table }))
    using vectors = tensorOf(all[0]!, true)
    const alone: Retrieval[] = []
    for (const c of all) alone.push(await search(c, vectors, 5))
    const bank = native.bank(vectors.native)
    const queries = all.map((c) => Tensor.from(c.queries, [c.target.length, c.dim]))
    const ask = () => Promise.all(all.map((c, i) => native.retrieve(queries[i]!.native, bank, c, 5)))
    expect(await ask()).toEqual(alone)
    expect(await ask()).toEqual(alone)
    for (const each of queries) each.dispose()
    native.bankDispose(bank)
  })
  it('a search in a prepared bank takes less than three quarters of the time of the search that prepares it', async () => {
    const [dim, rows] = [512, 20_000]
    using vectors = Tensor.from(
      Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i * 0.7)),
      [rows, dim],
    )
    using half = await vectors.to({ dtype: 'float16' })
    using query = Tensor.from(new Float32Array(dim).fill(1), [1, dim])
    const o = { target: Int32Array.of(0), first: Int32Array.of(0, 0), excluded: new Int32Array(0) }
    const time = async (bank: NativeBank) => {
      const before = process.cpuUsage() // of this process alone, so that other work on the machine does not count
      await native.retrieve(query.native, bank, o, 10)
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const [first, later] = [[] as number[], [] as number[]]
    for (let i = 0; i < 8; i++) {
      const bank = native.bank(half.native)
      first.push(await time(bank))
      later.push(await time(bank))
      native.bankDispose(bank)
    }
    expect(Math.min(...later)).toBeLessThan(0.75 * Math.min(...first))
  })
  it('the native search accepts zero queries', async () => {
    const none = { target: new Int32Array(0), first: Int32Array.of(0), excluded: new Int32Array(0) }
    using bank = Tensor.from([1, 0], [1, 2])
    using queries = Tensor.from(new Float32Array(0), [0, 2])
    const { all } = await native.retrieve(queries.native, bank.native, none, 3)
    expect([all.ahead.length, all.rows.length]).toEqual([0, 0])
  })
})

describe('retrieve refuses', () => {
  const rows = { target: Int32Array.of(0), first: Int32Array.of(0, 0), excluded: new Int32Array(0) }
  const attempt = async (o: { queries?: Tensor; bank?: Tensor; rows?: typeof rows; k?: number }) => {
    using queries = o.queries ?? Tensor.from([1, 0], [1, 2])
    using bank = o.bank ?? Tensor.from([1, 0, 0, 1], [2, 2])
    return native.retrieve(queries.native, bank.native, o.rows ?? rows, o.k ?? 1)
  }
  it('the native search refuses shapes, dtypes and rows that do not fit', async () => {
    await expect(attempt({})).resolves.toBeDefined()
    const bad = [
      { queries: Tensor.from([1, 0, 0], [1, 3]) },
      { queries: Tensor.from([1, 0], [2]) },
      { queries: Tensor.from(Float64Array.of(1, 0), [1, 2]) },
      { bank: Tensor.from(Int32Array.of(1, 0), [1, 2]) },
      { rows: { ...rows, target: Int32Array.of(2) } },
      { rows: { ...rows, target: Int32Array.of(-1) } },
      { rows: { ...rows, target: Int32Array.of(0, 1) } },
      { rows: { ...rows, first: Int32Array.of(0) } },
      { rows: { ...rows, first: Int32Array.of(0, 1) } },
      { rows: { ...rows, first: Int32Array.of(0, 1), excluded: Int32Array.of(5) } },
      { rows: { ...rows, first: Int32Array.of(0, 1), excluded: Int32Array.of(0) } },
      { k: 0 },
    ]
    for (const one of bad) await expect(attempt(one)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
  it('the native search refuses a bank that was disposed', async () => {
    using vectors = Tensor.from([1, 0, 0, 1], [2, 2])
    using queries = Tensor.from([1, 0], [1, 2])
    const bank = native.bank(vectors.native)
    native.bankDispose(bank)
    expect(() => native.retrieve(queries.native, bank, rows, 1)).toThrow(/this bank was disposed/)
  })
  it('the native search refuses numbers that are not finite', async () => {
    await expect(attempt({ queries: Tensor.from([1, Number.NaN], [1, 2]) })).rejects.toMatchObject({ code: 'DIVERGED' })
    await expect(attempt({ bank: Tensor.from([1, 0, Number.POSITIVE_INFINITY, 0], [2, 2]) })).rejects.toMatchObject({
      code: 'DATA_NOT_FINITE',
      message: expect.stringContaining('row 1'),
    })
  })
})
