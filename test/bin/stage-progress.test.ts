import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { PLANS } from '../../bin/stage-plans.js'
import { stageEvents, stageLine, verbOf } from '../../bin/stage-progress.js'
import { VERBS } from '../../bin/verbs.js'
import { counted, type Moment, profiled, rounds, stage } from '../../lib/stages.js'

const plan = { each: ['open', 'predict'], last: ['write'] }
const run = (number: number): Pick<Moment, 'round'> => ({ round: { name: `run${number}`, number, of: 2 } })
const open = (...stages: string[]) => ({ open: stages.map((stage) => ({ stage, seconds: 1 })) })

describe('the plans', () => {
  const lib = fileURLToPath(new URL('../../lib', import.meta.url))
  const source = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(lib, file), 'utf8'))
    .join('')
  it.each(Object.entries(PLANS))('%s is a verb, and every stage of its plan exists in lib/', (verb, { each, last = [] }) => {
    expect(VERBS).toHaveProperty([verb.split(' ')[0]!])
    for (const name of [...each, ...last]) expect(source).toMatch(new RegExp(`['\`]${name.replaceAll(/[.$]/g, '\\$&')}['\` ]`))
  })
  it('the plan of a verb below another is found', () => {
    expect(verbOf(['data', 'audit', 'x'])).toBe('data audit')
    expect(verbOf(['--json', 'evaluate', 'audit'])).toBe('evaluate')
    expect(verbOf([])).toBe('')
  })
})

describe('stageEvents', () => {
  it('the number counts the stages of all rounds, and never falls', () => {
    const at = stageEvents('verb', plan)
    const seen = [
      at({ ...open('open', 'hash'), ...run(1) }, 2),
      at({ ...open('predict'), ...run(1) }, 3),
      at({ ...open('open'), ...run(1) }, 3),
      at({ ...open('elsewhere'), ...run(2) }, 3),
      at({ ...open('predict it'), ...run(2) }, 3),
      at({ ...open('write'), ...run(2) }, 4),
    ]
    expect(seen.map((e) => `${e!.number}/${e!.of} ${e!.round} ${e!.stage} ${e!.inside}`)).toEqual([
      '1/5 run1 open hash',
      '2/5 run1 predict null',
      '2/5 run1 open null',
      '2/5 run2 elsewhere null',
      '4/5 run2 predict it null',
      '5/5 run2 write null',
    ])
  })
  it('a single round has no name, a verb without a plan no numbers, and nothing is said before the first stage', () => {
    const at = stageEvents('verb', undefined)
    expect(at(open(), 2)).toBeUndefined()
    const e = at({ ...open('open'), round: { name: 'a', number: 1, of: 1 } }, 2)!
    expect([e.round, e.number, e.of]).toEqual([null, null, null])
    expect(stageLine(e)).toBe('verb open · 2.0 s')
    expect(at(open(), 3)).toMatchObject({ stage: 'open', seconds: 3 })
  })
  it('the remaining time follows from the innermost count, once a second has shown its speed', () => {
    const at = (seconds: number, done: number) =>
      stageEvents('verb', plan)({ open: [{ stage: 'predict', seconds, done, total: 8 }], ...run(1) }, 90)!
    expect(at(0.5, 2).seconds_left).toBeNull()
    expect(at(4, 0).seconds_left).toBeNull()
    expect(at(4, 2).seconds_left).toBe(12)
    expect(stageLine(at(4, 2))).toBe('verb 2/5 run1 › predict · 2 of 8, 25 % · 1 min 30 s · 12 s left')
  })
  it('a name cannot move the cursor', () => {
    const e = stageEvents('verb', plan)({ ...open('predict'), round: { name: 'a\x1b[2J\n', number: 1, of: 2 } }, 2)!
    expect(stageLine(e)).toBe('verb 2/5 a\\x1b[2J\\n › predict · 2.0 s')
  })
})

it('a clock tells the open stages, what is counted, the round, and the time of every stage that ended', async () => {
  const ended: string[] = []
  const moments: Moment[] = []
  const work = async () => {
    for (const part of rounds(['a', 'b'])) {
      await stage('outer', async () => {
        for (const _ of counted([1, 2])) await stage(`inner ${part}`, async () => moments.push(clock.moment()))
      })
    }
  }
  const clock = profiled('verb', () => Promise.resolve().then(work), { ended: (path) => ended.push(path.join(' › ')) })
  await clock.done
  const [first, , , last] = moments.map(({ open, round }) => ({ round, open: open.map(({ seconds: _, ...stage }) => stage) }))
  expect(first).toEqual({
    round: { name: 'a', number: 1, of: 2 },
    open: [{ stage: 'outer', done: 0, total: 2 }, { stage: 'inner a' }],
  })
  expect(last).toEqual({
    round: { name: 'b', number: 2, of: 2 },
    open: [{ stage: 'outer', done: 1, total: 2 }, { stage: 'inner b' }],
  })
  expect(clock.moment().open).toEqual([])
  expect(ended).toEqual(['outer › inner a', 'outer › inner a', 'outer', 'outer › inner b', 'outer › inner b', 'outer'])
})
it('a stage that throws at once is not open afterwards', async () => {
  const clock = profiled('verb', async () => {
    expect(() =>
      stage('a', () => {
        throw new Error('no')
      }),
    ).toThrow('no')
  })
  await clock.done
  expect(clock.moment().open).toEqual([])
})
