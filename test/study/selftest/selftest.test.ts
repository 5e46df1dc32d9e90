import { beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../../lib/native.js'
import { judgeGate, tryDirection, tryGate, tryIdentity, tryMetric, tryNames } from '../../../lib/study/selftest/gates.js'
import { type Scenes, scenes } from '../../../lib/study/selftest/scenes.js'
import { type Selftest, selftest } from '../../../lib/study/selftest/selftest.js'
import { predictionOf, STAND_INS, type StandInName } from '../../../lib/study/selftest/stand-ins.js'
import { alignment, DELTAS } from './deltas.js'

let all: Scenes
let made: Selftest
beforeAll(async () => {
  native.setThreads(1)
  all = scenes(0)
  made = await selftest()
}, 120_000)

describe('selftest', () => {
  it('selftest finds every metric and gate of this package valid', () => {
    expect(made.trials.filter(({ verdict }) => verdict === 'invalid')).toEqual([])
    expect(made.valid).toBe(true)
  })
  it('selftest knows the cosine of each stand-in in advance', () => {
    const { values } = made.trials.find(({ name }) => name === 'cosine')!
    expect(Object.keys(values)).toEqual([...STAND_INS])
    expect(values.oracle).toBeCloseTo(1, 6)
    expect(Math.abs(values.random as number)).toBeLessThan(0.05)
  })
  it('selftest is reproducible', async () => {
    expect(await selftest({ seed: 0 })).toEqual(made)
  })
  it('selftest refuses a negative seed', async () => {
    await expect(selftest({ seed: -1 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })
})

describe('a gate that is wrong is invalid', () => {
  const gate = (late: number) => async (standIn: StandInName) => {
    const { value, n } = alignment(all.directed.forward, standIn, late)
    return judgeGate(value, n, (share) => share > 0.8)
  }
  it('the off-by-one «causal alignment» gate is invalid, because the oracle fails it', async () => {
    expect(await tryGate('5-to-1 causal alignment', gate(1))).toMatchObject({ verdict: 'invalid', faults: ['oracle-fails'] })
  })
  it('the alignment gate on the target itself is valid', async () => {
    expect(await tryGate('alignment', gate(0))).toMatchObject({ verdict: 'valid', values: { oracle: 'pass', copy_last: 'fail' } })
  })
  it('a gate that noise passes is invalid', async () => {
    const { faults } = await tryGate('always', async () => 'pass')
    expect(faults).toEqual(['passes-noise'])
  })
  it('a gate on a variance that no unit vector can have is invalid', async () => {
    const { dim, rows } = all.directed.forward
    const variance = async (name: StandInName) => {
      const said = Array.from(rows.ids, (id) => predictionOf(all.directed.forward, name, id))
      const at = (d: number) => said.map((v) => v[d]! / Math.hypot(...v))
      const one = (v: readonly number[]) => {
        const mean = v.reduce((a, b) => a + b, 0) / v.length
        return v.reduce((q, x) => q + (x - mean) ** 2, 0) / v.length
      }
      return Array.from({ length: dim }, (_, d) => one(at(d))).reduce((a, b) => a + b, 0) / dim
    }
    const over = (limit: number) => async (s: StandInName) => judgeGate(await variance(s), rows.ids.length, (v) => v > limit)
    expect((await tryGate('variance above .1', over(0.1))).faults).toContain('oracle-fails')
  })
  it('a gate without samples or without a number is invalid, neither a pass nor a fail', async () => {
    expect(judgeGate(1, 0, () => true)).toBe('invalid')
    expect(judgeGate(Number.NaN, 5, () => true)).toBe('invalid')
    expect(judgeGate(null, 5, () => true)).toBe('invalid')
    expect([judgeGate(1, 5, (x) => x > 0), judgeGate(1, 5, (x) => x < 0)]).toEqual(['pass', 'fail'])
    const { faults } = await tryGate('empty', async (s) => (s === 'oracle' ? 'pass' : judgeGate(0, 0, () => true)))
    expect(faults).toEqual(['not-finite'])
  })
})

describe('a measure that is wrong is invalid', () => {
  it.each(Object.entries(DELTAS))('the measure of direction «%s» is invalid', async (name, delta) => {
    const { verdict, faults } = await tryDirection(name, all, delta, 0.03)
    expect(verdict).toBe('invalid')
    expect(faults.length).toBeGreaterThan(0)
  })
  it('the decisive Δ is 0 for every text', async () => {
    const { values, faults } = await tryDirection('Δ', all, DELTAS['Δ of neighbours']!, 0.03)
    for (const value of Object.values(values)) expect(Math.abs(value as number)).toBeLessThan(0.03)
    expect(faults).toContain('direction-blind')
  })
  it('the four definitions of the forward signal Δ disagree', async () => {
    const trials = []
    for (const [name, delta] of Object.entries(DELTAS)) trials.push(await tryDirection(name, all, delta, 0.03))
    expect(tryNames('forward signal Δ', trials).faults).toEqual(['two-definitions'])
    expect(tryNames('forward signal Δ', trials.slice(0, 1)).faults).toEqual([])
  })
  it('a metric is invalid when it does not rank the stand-ins, gives no number or a wrong value', async () => {
    expect((await tryMetric('flat', async () => 1)).faults).toEqual(['no-discrimination'])
    expect((await tryMetric('nan', async (s) => (s === 'constant' ? Number.NaN : 1))).faults).toContain('not-finite')
    const order = { oracle: 1, context_mean: 0.5, copy_last: 0.4, random: 0, constant: 0 }
    expect((await tryMetric('good', async (s) => order[s])).faults).toEqual([])
    expect((await tryMetric('off', async (s) => order[s], { oracle: { value: 2, within: 0.1 } })).faults).toEqual([
      'unexpected-value',
    ])
  })
  it('an identity that does not hold is invalid', () => {
    expect(tryIdentity('x', 1, 0.1).verdict).toBe('invalid')
    expect(tryIdentity('x', Number.NaN, 0.1).verdict).toBe('invalid')
    expect(tryIdentity('x', 0.05, 0.1).verdict).toBe('valid')
  })
})
