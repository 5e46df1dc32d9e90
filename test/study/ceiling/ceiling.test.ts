import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { meanTarget, type Rows } from '../../../lib/baselines/baselines-rows.js'
import { applyRidge } from '../../../lib/baselines/ridge.js'
import { dualEquations } from '../../../lib/baselines/ridge-dual.js'
import { addMoments, noMoments, normalEquations } from '../../../lib/baselines/ridge-systems.js'
import { synth } from '../../../lib/data/synth.js'
import { native } from '../../../lib/native.js'
import { studentLimit, studentP } from '../../../lib/statistics/student.js'
import { arrow } from '../../../lib/study/ceiling/arrow.js'
import { type Ceiling, ceiling } from '../../../lib/study/ceiling/ceiling.js'
import { ceilingPage, reachSentence } from '../../../lib/study/ceiling/ceiling-page.js'
import type { Tensor } from '../../../lib/torch/tensor.js'
import { cases } from '../../cases.js'
import { corpus, npz, sequences, vectorsOf } from '../../evaluate/corpus.js'
import { rowsOf, synthetic } from '../../evaluate/synthetic.js'
import { refused, scratch } from '../../files/fixture.js'
import { nonLinear, OPTIMUM } from './non-linear.js'

beforeAll(() => native.setThreads(1))
const cosineOf = (found: Ceiling, name: string) => found.predictors.find((reach) => reach.name === name)!.cosine

describe('synth', () => {
  it.each([
    ['directed', 16],
    ['reversible', 33],
    ['noise', 64],
  ] as const)('synth %s, dimension %d, writes the requested number of unit vectors, equal for equal seeds', async (kind, dim) => {
    const o = { kind, dim, rows: 501, articles: 7, seed: 4 }
    const made = await synth({ ...o, out: scratch(`${kind}.npy`) })
    const vectors = vectorsOf(made.out)
    expect(vectors.length).toBe(501 * dim)
    for (let at = 0; at < vectors.length; at += dim) expect(Math.hypot(...vectors.subarray(at, at + dim))).toBeCloseTo(1, 5)
    const lines = readFileSync(made.side_file, 'utf8').trim().split('\n')
    expect(lines).toHaveLength(501)
    expect(new Set(lines.map((line) => JSON.parse(line).article_id)).size).toBe(7)
    expect(JSON.parse(readFileSync(made.card, 'utf8')).synthetic).toMatchObject({ kind, seed: 4, optimum: made.optimum })
    const again = await synth({ ...o, out: scratch(`${kind}-again.npy`) })
    expect(vectorsOf(again.out)).toEqual(vectors)
    expect(vectorsOf((await synth({ ...o, seed: 5, out: scratch(`${kind}-other.npy`) })).out)).not.toEqual(vectors)
  })
  it('synth refuses another file type and impossible sizes', async () => {
    await refused('BAD_OPTION', synth({ out: scratch('x.npz') }))
    await refused('BAD_OPTION', synth({ out: scratch('x.npy'), dim: 8 }))
    await refused('BAD_OPTION', synth({ out: scratch('x.npy'), rows: 3, articles: 4 }))
  })
})

describe('ceiling', () => {
  it.each([
    ['directed', 1],
    ['reversible', 2],
  ] as const)('ceiling reaches the known optimum of a %s corpus and does not exceed it', async (kind, seed) => {
    const out = scratch(`known-${kind}.npy`)
    const { optimum } = await synth({ kind, rows: 8000, dim: 16, articles: 320, seed, out })
    const found = await ceiling({ data: out, context: 3 })
    expect(found.best.cosine).toBeGreaterThan(optimum.forward - 0.02)
    expect(found.best.ci95![0]).toBeLessThan(optimum.forward)
    expect(cosineOf(found, 'ridge')).toBeGreaterThan(cosineOf(found, 'exponential_mean') - 0.01)
    expect(cosineOf(found, 'lag_weights')).toBeGreaterThan(cosineOf(found, 'context_mean'))
    expect(found.predictors.map(({ name }) => name)).toHaveLength(12)
    expect(found.upper_bound!.cosine).toBe(optimum.forward)
    for (const { mse_unit, cosine } of found.predictors) expect(mse_unit).toBeCloseTo((2 * (1 - cosine)) / 16, 5)
  })
  it('ceiling excludes a tier only by the proved optimum of a synthetic corpus, and reports the reached tiers', async () => {
    const noise = await ceiling({ data: await corpus({ kind: 'noise', dim: 64 }), seconds: 2 })
    expect(noise.tiers).toEqual({ minimum: 'excluded', target: 'excluded', stretch: 'excluded' })
    expect(ceilingPage(noise)).toContain('stretch above the upper bound')
    const wide = await ceiling({ data: await corpus({ dim: 512, rows: 2500 }), context: 1, seconds: 4 })
    expect(wide.tiers.minimum).toBe('reached')
    const unknown = await corpus({ kind: 'noise', dim: 64 })
    rmSync(unknown.replace(/npy$/, 'card.json'))
    const open = await ceiling({ data: unknown, seconds: 2 })
    expect(open.upper_bound).toBeNull()
    expect(open.tiers).toEqual({ minimum: 'not shown', target: 'not shown', stretch: 'not shown' })
  })
  it('ceiling drops a bound that the vectors exceed significantly, and calls a figure above a valid bound chance', async () => {
    const path = await corpus({ dim: 24, rows: 3000, articles: 240 })
    const card = path.replace(/npy$/, 'card.json')
    writeFileSync(card, readFileSync(card, 'utf8').replace('synthetic directed', 'synthetic noise'))
    const found = await ceiling({ data: path, seconds: 2 })
    expect(found.upper_bound).toBeNull()
    expect(ceilingPage(found)).toContain('a larger model may reach more')
    const best = { ...found.best, cosine: 0.31 }
    const upper_bound = { cosine: 0.3, why: 'known' }
    expect(reachSentence({ best, upper_bound })).toMatch(/^reached here: a cosine of \.3100 .* by chance above .* \.3000: known$/)
    expect(reachSentence({ best: { ...best, cosine: 0.29 }, upper_bound })).toMatch(/at least \.2900 .*; at most \.3000: known$/)
  })
  it('ceiling reports that the time limit ended training while a network still improved', async () => {
    const found = await ceiling({ data: await corpus({ dim: 64, rows: 8000, articles: 160 }), seconds: 1 })
    expect(found.networks.map(({ finished }) => finished)).toContain(false)
    expect(ceilingPage(found)).toContain('stopped by "seconds" while it may still improve')
  })
  it('ceiling refuses missing files and files that cannot be split', async () => {
    await refused('BAD_OPTION', ceiling({ data: '', context: 5 }))
    await refused('FILE_MISSING', ceiling({ data: scratch('gone.npy') }))
    await refused('DATA_ONE_ARTICLE', ceiling({ data: await corpus({ articles: 1, rows: 200 }) }))
  })
})

describe('ceiling of a non-linear rule', () => {
  it.each(
    cases(
      [
        ['product', 24, 8800, 0.74],
        ['sign', 16, 8800, 0.62],
        ['permutation', 24, 8800, 0.7],
      ] as const,
      1,
    ),
  )(
    'ceiling comes near the optimum of a %s of the last two vectors, and calls its result a lower bound',
    async (rule, dim, rows, least) => {
      const data = nonLinear({ rule, dim, rows, articles: 220, seed: 5 })
      const found = await ceiling({ data, context: 3 })
      expect(cosineOf(found, 'ridge')).toBeLessThan(least - 0.1)
      expect(found.best.cosine).toBeGreaterThan(least)
      expect(found.best.ci95![0]).toBeLessThan(OPTIMUM)
      expect(found.networks.every(({ finished, epochs }) => finished && epochs > 6)).toBe(true)
      expect(found.upper_bound).toBeNull()
      const page = ceilingPage(found)
      expect(page).toContain(`at least ${found.best.cosine.toFixed(4).slice(1)}`)
      expect(page).not.toMatch(/about|out of reach|expect/)
    },
  )
})

describe('ridge towards a weighted sum', () => {
  const data = synthetic({ dim: 6, context: 3, lengths: new Array(20).fill(14), seed: 3 })
  const anchor = [0.1, 0.2, 0.7]
  const sum = Float32Array.from({ length: 3 * 6 * 6 }, (_, i) =>
    Math.floor(i / 6) % 6 === i % 6 ? anchor[Math.floor(i / 36)]! : 0,
  )
  it.each([
    [
      'primal',
      async (rows: Rows, offset: Tensor) => {
        const moments = await noMoments({ positions: 3 }, offset)
        await addMoments(moments, rows)
        const system = await normalEquations(moments, [undefined, anchor])
        const dispose = () => {
          system[Symbol.dispose]()
          moments[Symbol.dispose]()
        }
        return { ...system, [Symbol.dispose]: dispose }
      },
    ],
    ['dual', (rows: Rows, offset: Tensor) => dualEquations(rows, { positions: 3 }, offset, { anchors: [undefined, anchor] })],
  ] as const)(
    'ridge with an anchor equals the weighted sum for a huge λ and least squares for a tiny one: %s',
    async (_, systemOf) => {
      const rows = rowsOf(data, () => true)
      using offset = await meanTarget(rows)
      using system = await systemOf(rows, offset)
      const weightsAt = async (lambda: number) =>
        Promise.all((await system.solve(lambda))!.map(async ({ weight }) => [...(await weight.data())].map(Number)))
      const [zero, far] = (await weightsAt(1e12)) as [number[], number[]]
      for (const [i, value] of far.entries()) expect(value).toBeCloseTo(sum[i]!, 6)
      for (const value of zero) expect(value).toBeCloseTo(0, 6)
      const [plain, near] = (await weightsAt(1e-6)) as [number[], number[]]
      for (const [i, value] of near.entries()) expect(value).toBeCloseTo(plain[i]!, 3)
    },
  )

  it('the dual equations give the outputs of their maps on held-out windows', async () => {
    const rows = rowsOf(data, (article) => article % 4 > 0)
    const held = rowsOf(data, (article) => article % 4 === 0)
    using offset = await meanTarget(rows)
    const inputs = { positions: 3 }
    using system = await dualEquations(rows, inputs, offset, { anchors: [undefined, anchor], held })
    for (const lambda of [1e-2, 1, 100]) {
      const outputs = (await system.outputs!(lambda))!
      for (const [i, map] of (await system.solve(lambda))!.entries()) {
        using whole = await applyRidge({ ...map, ...inputs, lambda }, held, held.ids)
        const [expected, found] = [await whole.data(), await outputs[i]!.data()]
        for (const [j, value] of expected.entries()) expect(Number(found[j])).toBeCloseTo(Number(value), 4)
      }
    }
  })
})

describe('arrow', () => {
  it.each([1, 2, 3])('arrow finds the direction of a directed corpus, and none in a reversible one (seed %d)', async (seed) => {
    const directed = await arrow({ data: await corpus({ kind: 'directed', seed }) })
    expect(directed.evidence).toBe(true)
    expect(directed.verdict).toMatch(/^evidence of direction: the next vector is easier/)
    expect(directed.predictors.every((d) => d.p! < 1e-3 && d.difference > 0.02)).toBe(true)
    const reversible = await arrow({ data: await corpus({ kind: 'reversible', seed }) })
    expect(reversible.evidence).toBe(false)
    expect(reversible.verdict).toMatch(/^no evidence of direction/)
  })
  it('arrow finds that a directed corpus written backward is easier to predict backward', async () => {
    const data = await corpus({ rows: 2000 }, (v, dim, lines) => {
      const before = v.slice()
      for (let i = 0; i < lines.length; i++) v.set(before.subarray(i * dim, (i + 1) * dim), (lines.length - 1 - i) * dim)
      const ids = lines.map((line) => line.article_id).reverse()
      const seen = new Map<string, number>()
      for (const [i, line] of lines.entries()) {
        line.article_id = ids[i]!
        line.index = seen.get(ids[i]!) ?? 0
        seen.set(ids[i]!, line.index + 1)
      }
    })
    expect((await arrow({ data })).verdict).toMatch(/^evidence of direction: the previous vector is easier/)
  })
  it('arrow reads files of sequences in both directions', async () => {
    const path = npz('arrow.npz', sequences(await corpus({ rows: 1500 }), 32))
    const found = await arrow({ data: path, context: 3 })
    expect(found.predictors[0]!.difference).toBeGreaterThan(0.02)
  })
})

describe("Student's t", () => {
  it("Student's t has the quantiles of published tables", () => {
    expect(studentP(2.262157, 9)).toBeCloseTo(0.05, 6)
    expect(studentP(0, 3)).toBeCloseTo(1, 12)
    expect(studentP(1.959964, 1e7)).toBeCloseTo(0.05, 5)
    expect(studentLimit(0.05, 9)).toBeCloseTo(2.262157, 5)
    expect(studentLimit(0.01, 2.5)).toBeGreaterThan(5.84)
  })
})
