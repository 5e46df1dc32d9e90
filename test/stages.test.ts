import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { profileTable } from '../bin/profile.js'
import { profiled, type Stage, stage } from '../lib/stages.js'

const inner = ({ stages }: Stage, name: string) => stages.find((one) => one.stage === name)!

it('a stage returns the result of its work and passes its error on, with and without a clock', async () => {
  const work = async () => {
    expect(stage('a', () => 1)).toBe(1)
    expect(await stage('b', async () => 2)).toBe(2)
    expect(() =>
      stage('c', () => {
        throw new Error('no')
      }),
    ).toThrow('no')
    await expect(stage('d', () => Promise.reject(new Error('later')))).rejects.toThrow('later')
  }
  await work()
  await profiled('verb', work).done
})
it('the clock counts calls and time of each stage inside the stage that ran it', async () => {
  const clock = profiled('verb', async () => {
    for (let i = 0; i < 3; i++) await stage('outer', () => stage('inner', () => setTimeout(20)))
    await stage('inner', () => setTimeout(5))
  })
  await clock.done
  const whole = clock.stages()
  expect(whole.stages.map(({ stage }) => stage)).toEqual(['start', 'outer', 'inner'])
  const deep = inner(inner(whole, 'outer'), 'inner')
  expect(deep.calls).toBe(3)
  expect(deep.seconds).toBeGreaterThan(0.055)
  expect(inner(whole, 'inner').calls).toBe(1)
  expect(inner(whole, 'outer').seconds).toBeGreaterThanOrEqual(deep.seconds)
  expect(whole.seconds).toBeGreaterThan(inner(whole, 'start').seconds + deep.seconds)
})
it('two profiles at once keep their stages apart', async () => {
  const run = (name: string) => profiled(name, () => stage(name, () => setTimeout(5)))
  const both = [run('a'), run('b')]
  await Promise.all(both.map(({ done }) => done))
  expect(both.map((one) => one.stages().stages.map(({ stage }) => stage))).toEqual([
    ['start', 'a'],
    ['start', 'b'],
  ])
})
it('the table of a profile shows the longest stage first, shares of the whole, and the rest', () => {
  const made = (stage: string, seconds: number, stages: readonly Stage[] = []): Stage => ({
    stage,
    calls: 1,
    seconds,
    cpu_seconds: seconds,
    stages,
  })
  const whole = { ...made('verb', 10, [made('start', 0.01), made('a', 2, [made('c', 1.5)]), made('b', 6)]), cpu_share: 0.5 }
  expect(profileTable(whole).split('\n')).toEqual([
    'stage         calls  seconds    share  processor, s',
    'verb              1    10.00  100.0 %         10.00',
    '  b               1     6.00   60.0 %          6.00',
    '  a               1     2.00   20.0 %          2.00',
    '    c             1     1.50   15.0 %          1.50',
    '    the rest      –      .50    5.0 %           .50',
    '  the rest        –     1.99   19.9 %          1.99',
    'measured on a busy machine: this process got 50 % of the processor time that it was ready to use',
  ])
})
