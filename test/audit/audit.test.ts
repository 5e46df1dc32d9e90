import { existsSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../../lib/audit/run-audit.js'
import { native } from '../../lib/native.js'
import { audited, codesOf, corpus, levelOf } from '../evaluate/corpus.js'
import { refused, scratch } from '../files/fixture.js'

beforeAll(() => native.setThreads(1))

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('clean data', () => {
  it.each([
    ['directed', 16, 1],
    ['directed', 128, 2],
    ['reversible', 32, 3],
    ['reversible', 64, 4],
  ] as const)('clean data passes: %s, dimension %d, seed %d', async (kind, dim, seed) => {
    const found = await audited(await corpus({ kind, dim, seed, rows: 4000, articles: 250 }))
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(
      codesOf(found, 'WARN').filter((code) => code !== 'SUFFICIENCY' && !(dim === 16 && code === 'NEAR_DUPLICATES')),
    ).toEqual([])
    expect(found.verdict).toBe(codesOf(found, 'WARN').length > 0 ? 'WARN' : 'PASS')
    expect(found.lags.map(({ lag }) => lag)).toEqual(range(1, 11))
  })
  it.each([4, 5, 6])('pure noise gives warnings but never fails: seed %d', async (seed) => {
    const found = await audited(await corpus({ kind: 'noise', seed, rows: 4000 }))
    expect(codesOf(found, 'FAIL')).toEqual([])
    expect(levelOf(found, 'ORDER')).toBe('WARN')
  })
  it('floor, lags, rank and mean norm of the audit equal a float64 reference', async () => {
    const path = await corpus({ dim: 16, rows: 1500, articles: 30 })
    const found = await audited(path)
    // Parameters of the corpus: a shared direction of .05, and a step of .6 in all parts except topic and noise.
    expect(found.random_pairs.mean).toBeCloseTo(0.05, 1)
    expect(found.lags[0]!.cosine).toBeCloseTo(0.25 + 0.5 * 0.6, 1)
    expect(found.spectrum.shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    const [low, high] = found.lags[0]!.ci95!
    expect(low).toBeLessThan(found.lags[0]!.cosine)
    expect(high).toBeGreaterThan(found.lags[0]!.cosine)
  })
})

it('audit writes its result to audit.json, and refuses missing files and bad options', async () => {
  const out = scratch('audit-out')
  const found = await audit({ data: await corpus({ rows: 400, articles: 10 }), out })
  expect(existsSync(`${out}/audit.json`)).toBe(true)
  const { digest, ...written } = JSON.parse(readFileSync(`${out}/audit.json`, 'utf8'))
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  expect(written).toEqual(JSON.parse(JSON.stringify(found)))
  await refused('FILE_MISSING', audit({ data: scratch('gone.npy') }))
  await refused('BAD_OPTION', audit({ data: 'x', context: 0 }))
  await refused('BAD_OPTION', audit({ data: 'x', ...{ colour: 'red' } }))
})
