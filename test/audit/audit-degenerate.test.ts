import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { normals } from '../../lib/data/synth-process.js'
import { native } from '../../lib/native.js'
import { audited, findingOf, levelOf } from '../evaluate/corpus.js'
import { bytesOf, npy, scratch } from '../files/fixture.js'

beforeAll(() => native.setThreads(1))
const DIM = 16
let made = 0
/** A base whose elements follow from row and dimension. */
function base(rows: number, at: (row: number, d: number) => number, dim = DIM): string {
  const path = scratch(`degenerate-${made++}.npy`)
  const values = Float32Array.from({ length: rows * dim }, (_, i) => at(Math.floor(i / dim), i % dim))
  writeFileSync(path, npy('<f4', [rows, dim], bytesOf(values)))
  return path
}
const noise = (scale: number) => {
  const draw = normals(1)
  return () => draw() * scale
}

describe('the audit of data that has nothing to compare', () => {
  it('says of one row that there is no other, and gives no figure of pairs or rank', async () => {
    const found = await audited(base(1, noise(1)))
    for (const code of ['COLLAPSE', 'RANK'] as const)
      expect(findingOf(found, code)).toMatchObject({
        level: 'PASS',
        message: expect.stringContaining('too few vectors'),
        figures: {},
      })
    expect(levelOf(found, 'SUFFICIENCY')).toBe('FAIL')
  })
  it('says of equal rows that they have one direction, whatever rounding leaves of their spectrum', async () => {
    const found = await audited(base(300, (_, d) => Math.sin(d + 1)))
    expect(levelOf(found, 'COLLAPSE')).toBe('FAIL')
    expect(findingOf(found, 'RANK').message).toBe('an effective rank of 1.0, of 16 possible')
    for (const code of ['ORDER', 'MIXED'] as const) expect(findingOf(found, code).message).toContain('one direction')
  })
  it('reports zeros as ZERO_ROWS instead of failing', async () => {
    const found = await audited(base(300, () => 0))
    expect(levelOf(found, 'ZERO_ROWS')).toBe('FAIL')
    expect(findingOf(found, 'COLLAPSE').message).toContain('too few vectors')
  })
  it('says of two groups without a spread that they are at least 1,000 standard deviations apart', async () => {
    const found = await audited(base(300, (row) => (row % 2 === 0 ? 1 : -1), 1))
    expect(findingOf(found, 'MIXED').message).toContain('at least 1,000 standard deviations')
  })
})

it('the audit says the same of denormal, tiny, usual and huge numbers', async () => {
  const said: string[][] = []
  for (const scale of [1e-41, 1e-25, 1, 1e30]) {
    const found = await audited(base(300, noise(scale)))
    said.push(found.findings.filter(({ code }) => code !== 'NORMS').map(({ code, level }) => `${code} ${level}`))
    expect(findingOf(found, 'TARGET_LAG').message).toMatch(/cosine of last vector and target −?\.0[0-9]+[1-9]/)
    expect(findingOf(found, 'MIXED').message).not.toContain('too few')
  }
  expect(said).toEqual(said.map(() => said[2]))
})
