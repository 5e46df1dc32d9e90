import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { auditBase } from '../../lib/audit/audit.js'
import { openBase } from '../../lib/data/open.js'
import { splitWindows } from '../../lib/data/split.js'
import { normals } from '../../lib/data/synth-process.js'
import { makeWindows } from '../../lib/data/windows.js'
import { native } from '../../lib/native.js'
import { random } from '../../lib/statistics/random.js'
import { train } from '../../lib/train/train.js'
import { codesOf, corpus, findingOf, type Line } from '../evaluate/corpus.js'

beforeAll(() => native.setThreads(1))
const DIM = 64
const out = mkdtempSync(join(tmpdir(), 'lvm-audit-split-'))

/** Writes article `from` over the first rows of article `to`; `noise` is the length of the noise added to each vector. */
const copied =
  (pairs: readonly (readonly [number, number])[], noise = 0) =>
  (v: Float32Array, dim: number, lines: Line[]) => {
    const normal = normals(5)
    const ids = [...new Set(lines.map((line) => line.article_id))]
    const rowsOf = (article: number) => [...lines.keys()].filter((i) => lines[i]!.article_id === ids[article])
    for (const [from, to] of pairs) {
      const [source, target] = [rowsOf(from), rowsOf(to)]
      target.forEach((row, i) => {
        const begin = source[i % source.length]! * dim
        const vector = Array.from(v.subarray(begin, begin + dim), (x) => x + (noise * normal()) / Math.sqrt(dim))
        const length = noise === 0 ? 1 : Math.hypot(...vector)
        v.set(
          vector.map((x) => x / length),
          row * dim,
        )
      })
    }
  }
const made = (pairs: readonly (readonly [number, number])[], noise = 0, prefix = '') =>
  corpus({ rows: 1600, articles: 40, dim: DIM, seed: 3 }, (v, dim, lines) => {
    copied(pairs, noise)(v, dim, lines)
    for (const line of lines) line.article_id = prefix + line.article_id
  })
/** Numbers of the articles that a seed holds out. */
async function heldOut(path: string, seed: number, test = 0) {
  const base = await openBase(path)
  try {
    const { articles } = splitWindows(makeWindows(base, 5), base, { mode: 'articles', seed, test })
    const numbers = (ids: readonly string[]) => ids.map((id) => Number(/\d+$/.exec(id)![0]))
    return { train: numbers(articles.train), val: numbers(articles.val), test: numbers(articles.test) }
  } finally {
    base.dispose()
  }
}
async function splitAudit(path: string, seed: number, test = 0) {
  const base = await openBase(path)
  try {
    const windows = makeWindows(base, 5)
    const split = splitWindows(windows, base, { mode: 'articles', seed, test })
    return await auditBase(base, { context: 5, split: { split, val: { base, windows } } })
  } finally {
    base.dispose()
  }
}
let runs = 0
const started = async (options: Record<string, string | number | boolean>) => {
  const given = { model: 'lstm', preset: 'tiny', maxSteps: 2, epochs: 1, threads: 1, out, name: `run-${runs++}` } as const
  for await (const _ of train({ ...given, ...options })) {
  }
}
const failed = expect.objectContaining({ code: 'GATE_FAILED', message: expect.stringMatching(/SPLIT_LEAK/) })

describe('the leak check uses the split of the run', () => {
  it.each([
    ['bit by bit', 0],
    ['with noise, at a cosine of .989', 0.15],
  ])('an article copied %s fails only the seeds that split it from its copy', async (_, noise) => {
    const sound = await made([])
    const seeds = [0, 1, 2, 3]
    const { val, train: kept } = await heldOut(sound, 2)
    const path = await made([[kept[0]!, val[0]!]], noise)
    for (const seed of seeds) {
      const parts = await heldOut(sound, seed)
      const divided = parts.val.includes(kept[0]!) !== parts.val.includes(val[0]!)
      const found = findingOf(await splitAudit(path, seed), 'SPLIT_LEAK')
      expect([seed, found.level]).toEqual([seed, divided ? 'FAIL' : 'PASS'])
      expect(found.message).toContain(`seed ${seed}`)
      if (!divided) await started({ data: path, seed })
      else await expect(started({ data: path, seed })).rejects.toThrow(failed)
    }
  })
  it('a cached verdict is not used for another seed or for a split with a test part', async () => {
    const sound = await made([])
    const { test, val, train: kept } = await heldOut(sound, 0, 0.2)
    expect(test.length).toBe(8)
    const path = await made([[kept[0]!, test[0]!]])
    const usual = await heldOut(sound, 0)
    expect([kept[0]!, test[0]!].every((article) => usual.train.includes(article) || val.includes(article))).toBe(
      usual.train.includes(test[0]!),
    )
    await expect(started({ data: path, test: 0.2 })).rejects.toThrow(/test targets/)
    expect(findingOf(await splitAudit(path, 0, 0.2), 'SPLIT_LEAK').figures).toMatchObject({
      exact: 0,
      test_targets: expect.anything(),
    })
    await started({ data: await made([[val[0]!, test[0]!]]), test: 0.2 })
  })
  it('a validation file with near-copies of training rows is refused whatever its article names', async () => {
    const sound = await made([])
    const noisy = await made(
      Array.from({ length: 8 }, (_, i) => [i, i + 20] as const),
      0.15,
      'b ',
    )
    await expect(started({ data: sound, split: 'file', val: noisy })).rejects.toThrow(failed)
  })
})

it('the leak check fails by the cosine that memorising copies gains', async () => {
  const sound = await made([])
  const { val, train: kept } = await heldOut(sound, 0)
  const found = findingOf(await splitAudit(await made([[kept[0]!, val[0]!]]), 0), 'SPLIT_LEAK')
  const { share, worth, exact, targets } = found.figures as Record<string, number>
  expect(share).toBeCloseTo(exact! / targets!, 12)
  expect(share).toBeGreaterThan(0.1)
  // Adjacent rows of this process have a cosine of .55, so a copy gains .45.
  expect(worth! / share!).toBeCloseTo(0.45, 1)
  const one = await corpus({ rows: 1600, articles: 40, dim: DIM, seed: 3 }, (v, dim, lines) => {
    const rowOf = (article: number) => lines.findIndex((line) => line.article_id.endsWith(`-${article}`)) + 8
    v.copyWithin(rowOf(val[0]!) * dim, rowOf(kept[0]!) * dim, (rowOf(kept[0]!) + 1) * dim)
  })
  expect(findingOf(await splitAudit(one, 0), 'SPLIT_LEAK')).toMatchObject({ level: 'WARN', figures: { exact: 1 } })
})

it.each([16, 24, 32])('near-copies expected by chance in %d dimensions are no leak', async (dim) => {
  for (const seed of [1, 2]) {
    const found = await splitAudit(await corpus({ dim, rows: 6000, articles: 100, seed }), Math.floor(10 * random(seed, 1)))
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(findingOf(found, 'SPLIT_LEAK').level).toBe('PASS')
  }
})
