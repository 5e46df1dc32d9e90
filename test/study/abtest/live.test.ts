import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { abtest } from '../../../lib/study/abtest/abtest.js'
import type { LiveDocument } from '../../../lib/study/abtest/live-entry.js'
import { type LogRecord, logLine } from '../../../lib/study/abtest/served-log.js'
import { feedback, served, three, traffic } from './log-records.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-live-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function judge(lines: readonly (LogRecord | string)[], o: Record<string, unknown> = {}) {
  const log = join(folder, 'log.jsonl')
  writeFileSync(log, lines.map((line) => (typeof line === 'string' ? line : logLine(line))).join(''))
  const { results, table, failure } = await abtest({ log, out: folder, ...o })
  return { live: results as LiveDocument, table, failure }
}

describe('abtest of a log', () => {
  it('abtest uses the arm with the higher hit rate, and neither of two equal arms', async () => {
    const better = await judge(traffic(3000, [0.3, 0.4]))
    expect(better.live.verdict).toMatchObject({ decision: 'arm', arm: 'b' })
    expect(better.live.comparisons[0]!.ci95![0]).toBeGreaterThan(0)
    expect((await judge(traffic(3000, [0.4, 0.3]))).live.verdict).toMatchObject({ decision: 'control', arm: 'a' })
    const equal = await judge(traffic(3000, [0.3, 0.3]))
    expect(equal.live.verdict.decision).toBe('none')
    expect(equal.table).toContain('smallest that would have been detected')
    expect(JSON.parse(readFileSync(join(folder, 'abtest_live.json'), 'utf8')).verdict).toEqual(equal.live.verdict)
  })
  it('a split that the clients do not follow refuses the verdict with GATE_FAILED', async () => {
    const { live, failure, table } = await judge(traffic(3000, [0.3, 0.6], { share: 0.4 }))
    expect(live.sample_ratio).toMatchObject({ valid: false, df: 1 })
    expect(live.verdict.decision).toBe('refused')
    expect(failure).toMatchObject({ code: 'GATE_FAILED', exit: 8 })
    expect(table).toContain('sample ratio mismatch')
    expect(table).not.toContain('use b')
  })
  it('the sample ratio counts clients once', async () => {
    const { live } = await judge(traffic(400, [0.5, 0.5]))
    expect(live.arms.reduce((sum, { assigned }) => sum + assigned, 0)).toBe(400)
    const few = await judge([served('1', 'a', 'x'), served('2', 'b', 'y')])
    expect(few.live.sample_ratio).toMatchObject({ p: null, valid: true })
  })
  it('clients who return many times do not make a difference of few clients significant', async () => {
    const loyal = Array.from({ length: 120 }, (_, c) =>
      Array.from({ length: 50 }, (_, v) => {
        const arm = c % 2
        const hit = (c * 7919) % 100 < (arm === 0 ? 45 : 60)
        return [served(`${c}.${v}`, 'ab'[arm]!, `client ${c}`), feedback(`${c}.${v}`, { reward: Number(hit) })]
      }),
    ).flat(2)
    const clustered = await judge(loyal)
    expect(clustered.live.verdict.decision).toBe('none')
    const strangers = loyal.map((r) => (r.type === 'served' ? { ...r, client: null } : r))
    expect((await judge(strangers)).live.verdict.decision).not.toBe('none')
  })
  it('little feedback gives no verdict yet, and says how much is missing', async () => {
    const { live } = await judge(traffic(60, [0.5, 0.5]))
    expect(live.verdict.decision).toBe('early')
    expect(live.verdict.sentence).toMatch(/has rewards of \d+ clients \(50 at least\)/)
    const never = await judge(traffic(600, [0, 0]))
    expect(never.live.verdict.sentence).toContain('0 clients with a reward above 0 (10 at least)')
  })
  it('requests without feedback are skipped, or count as 0 with missing zero', async () => {
    const lines = traffic(200, [0.5, 0.5]).filter((r, i) => r.type === 'served' || i % 4 === 1)
    const [skipped, zero] = [await judge(lines), await judge(lines, { missing: 'zero' })]
    for (const { arms } of [skipped.live, zero.live]) for (const { feedback_share } of arms) expect(feedback_share).toBe(0.5)
    for (const [i, { mean_reward, rewards }] of skipped.live.arms.entries()) {
      expect(zero.live.arms[i]!.mean_reward).toBeCloseTo(mean_reward! / 2, 12)
      expect(zero.live.arms[i]!.rewards).toBe(2 * rewards)
    }
  })
  it('a lower share of feedback in one arm is noted beside the verdict', async () => {
    const lines = traffic(2000, [0.5, 0.5])
    const models = new Map(lines.flatMap((r) => (r.type === 'served' ? [[r.request_id, r.model] as const] : [])))
    const fewer = lines.filter((r) => r.type === 'served' || models.get(r.request_id) === 'a' || r.request_id.endsWith('.0'))
    expect((await judge(fewer)).table).toContain('b: the share of answers with feedback differs from the control')
    expect((await judge(lines)).table).not.toContain('share of answers')
  })
  it('duplicates, garbage and a half-written last line are counted and change no figure', async () => {
    const lines = traffic(600, [0.3, 0.4])
    const clean = await judge(lines)
    const torn = logLine(served('torn', 'a', 'torn')).slice(0, 60)
    const early = feedback('0.0', { row: 4 }) // a second feedback of the first request
    const noise = [
      ...lines.slice(0, 2),
      early,
      'not json\n',
      '[]\n',
      '\n',
      '{"version":1,"type":"served"}\n',
      feedback('nobody', { reward: 1 }),
    ]
    const { live, table } = await judge([...lines, ...noise, torn])
    expect(live.arms).toEqual(clean.live.arms)
    expect(live.faults).toMatchObject({
      garbage: 3,
      half_written: 1,
      duplicate_served: 1,
      duplicate_feedback: 2,
      unmatched_feedback: 1,
    })
    expect(table).toContain('incomplete last line: 1')
  })
  it('feedback counts before its request, for each context of a request, and by its reward before its row', async () => {
    const two = { rows: [[1], [2]] }
    const { live } = await judge([
      feedback('r', { context: 1, row: 2 }),
      served('r', 'a', 'x', two),
      feedback('r', { row: 3 }),
      feedback('r', { context: 2, row: 3 }),
      served('s', 'b', 'y'),
      feedback('s', { row: 5, reward: 0.25 }),
      served('p', 'b', 'y', { route: 'predict', rows: null, k: null }),
      feedback('p', { row: 5 }),
      served('q', 'c', 'z', { split: null }),
      feedback('q', { reward: 1 }),
    ])
    expect(live.arms.map(({ name, contexts, rewards, mean_reward }) => [name, contexts, rewards, mean_reward])).toEqual([
      ['a', 2, 2, 0.5],
      ['b', 2, 1, 0.25],
    ])
    expect(live.faults).toMatchObject({ unmatched_feedback: 1, unjudged_feedback: 1, not_assigned: 1 })
  })
  it('a client of both arms counts once, and its arms are compared with each other', async () => {
    const lines = traffic(300, [0.4, 0.4]).map((r) =>
      r.type === 'served' && r.request_id.endsWith('.1') ? { ...r, model: 'b', weights: 'of b' } : r,
    )
    const { live, table } = await judge(lines)
    expect(live.crossed_clients).toBeGreaterThan(100)
    expect(table).toContain('clients of more than one arm')
  })
  it('a log in which two runs exchange their names is judged from the exchange on', async () => {
    const before = traffic(3000, [0.3, 0.5])
    const after = traffic(1000, [0.5, 0.3], { seed: 2 }).map((r) =>
      r.type === 'served'
        ? { ...r, request_id: `new ${r.request_id}`, weights: `new ${r.weights}` }
        : { ...r, request_id: `new ${r.request_id}` },
    )
    const { live, table } = await judge([...before, ...after])
    expect(live.verdict).toMatchObject({ decision: 'control', arm: 'a' })
    expect(live.arms.map(({ weights }) => weights).sort()).toEqual(['new of a', 'new of b'])
    expect(live.arms.reduce((sum, { requests }) => sum + requests, 0)).toBe(2000)
    expect(live.left_out).toMatchObject({ requests: 6000, changes: 1 })
    expect(live.faults.unmatched_feedback).toBe(0)
    expect(table).toMatch(/when the weights of [ab] changed \(changes in the log: 1\); earlier requests, left out: 6,000/)
  })
  it('answers of replaced weights that end late are left out too', async () => {
    const now = (id: string, model: string) => served(id, model, id, { weights: `new ${model}` })
    const [late, early] = [served('3', 'a', 'late'), served('1', 'a', 'x')]
    const { live } = await judge([early, now('2', 'a'), late, now('4', 'b'), now('5', 'a'), now('6', 'b')])
    expect(live.arms).toMatchObject([
      { name: 'a', weights: 'new a', requests: 1 },
      { name: 'b', weights: 'new b', requests: 1 },
    ])
    expect(live.left_out).toEqual({ requests: 4, changes: 3, changed: 'the weights of a' })
  })
  it('equal arms stay equal when shares and rewards change together', async () => {
    const of = (split: Record<string, number>, share: number, rate: number, seed: number) =>
      traffic(3000, [rate, rate], { share, seed }).map((r) =>
        r.type === 'served'
          ? { ...r, request_id: `${seed} ${r.request_id}`, client: `${seed} ${r.client}`, split }
          : { ...r, request_id: `${seed} ${r.request_id}` },
      )
    const { live, table } = await judge([...of({ a: 90, b: 10 }, 0.1, 0.7, 1), ...of({ a: 10, b: 90 }, 0.9, 0.3, 2)])
    expect(live.verdict.decision).toBe('none')
    expect(live.sample_ratio.valid).toBe(true)
    expect(table).toContain('when --split changed')
  })
  it('a log of one arm since a change says so', async () => {
    const lines = [served('1', 'a', 'x'), served('2', 'b', 'y'), served('3', 'a', 'x', { weights: 'new' })]
    await expect(judge(lines)).rejects.toMatchObject({
      message: expect.stringContaining('all assigned requests since the last change of the weights of a were answered by a'),
    })
  })
  it('an arm found better than the control is used, although one with little feedback has a higher mean', async () => {
    const { live } = await judge(three(3000, [0.3, 0.4, 0.5], 120))
    expect(live.comparisons.map(({ arm, ci95 }) => [arm, ci95 !== null && ci95[0] > 0])).toEqual([
      ['b', true],
      ['c', false],
    ])
    expect(live.verdict).toMatchObject({ decision: 'arm', arm: 'b' })
  })
  it('an arm worse than the control gives no verdict while another arm has too little feedback', async () => {
    const { live } = await judge(three(3000, [0.4, 0.3, 0.4], 40))
    expect(live.verdict.decision).toBe('early')
    expect(live.verdict.sentence).toContain('c has rewards of 40 clients')
  })
  it.each([
    ['an empty log', [], {}, 'DATA_TOO_FEW', /the file is empty/],
    ['a file without a record', ['{}\n', 'x'], {}, 'DATA_FORMAT', /none of its 2 lines/],
    ['a log of one arm', [served('1', 'a', 'x')], {}, 'DATA_TOO_FEW', /all assigned requests were answered by a/],
    ['a log without a split', [served('1', 'a', 'x', { split: null })], {}, 'DATA_TOO_FEW', /no request was assigned/],
    ['a control that is no arm', traffic(9, [1, 1]), { control: 'z' }, 'BAD_OPTION', /an arm of the log \(.*\) for "control"/],
    ['an option of runs', traffic(9, [1, 1]), { k: 5 }, 'BAD_OPTION', /beside a log for "k"/],
  ] as const)('abtest refuses %s', async (_, lines, o, code, message) => {
    await expect(judge(lines, o)).rejects.toEqual(
      expect.objectContaining({ name: 'LvmError', code, message: expect.stringMatching(message) }),
    )
  })
  it('abtest refuses a log that does not exist', async () => {
    await expect(abtest({ log: join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })
})
