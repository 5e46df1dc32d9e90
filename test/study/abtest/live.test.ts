import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { randomIndex } from '../../../lib/statistics/random-index.js'
import { abtest } from '../../../lib/study/abtest/abtest.js'
import type { LiveDocument } from '../../../lib/study/abtest/live-entry.js'
import {
  type FeedbackRecord,
  type LogRecord,
  logLine,
  readRecord,
  type ServedRecord,
} from '../../../lib/study/abtest/served-log.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-live-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const time = '2026-01-01T00:00:00.000Z'
const served = (request_id: string, model: string, client: string | null, more: Partial<ServedRecord> = {}): ServedRecord => {
  const answer = { route: 'retrieve', split: { a: 50, b: 50 }, k: 2, rows: [[4, 7]], ms: 1 }
  return { version: 1, type: 'served', time, request_id, client, model, weights: `of ${model}`, ...answer, ...more }
}
const feedback = (request_id: string, more: Partial<FeedbackRecord>): FeedbackRecord => ({
  version: 1,
  type: 'feedback',
  time,
  request_id,
  context: 0,
  row: null,
  reward: null,
  ...more,
})
/** Clients with two requests each; `rates` are the hit rates of the arms. */
function traffic(clients: number, rates: readonly [number, number], o: { share?: number; seed?: number } = {}): LogRecord[] {
  const draw = randomIndex(o.seed ?? 1)
  const chance = (p: number) => draw(1e6) < p * 1e6
  return Array.from({ length: clients }, (_, c) => {
    const arm = chance(o.share ?? 0.5) ? 1 : 0
    return [0, 1].flatMap((visit) => [
      served(`${c}.${visit}`, 'ab'[arm]!, `client ${c}`),
      feedback(`${c}.${visit}`, { row: chance(rates[arm]!) ? 7 : 5 }),
    ])
  }).flat()
}
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
  it('the sample ratio counts clients once, under the split that assigned them', async () => {
    const early = traffic(400, [0.5, 0.5], { seed: 3 }).map((r) => (r.type === 'served' ? { ...r, split: { a: 90, b: 10 } } : r))
    const { live } = await judge([...early, ...traffic(400, [0.5, 0.5], { seed: 4 })])
    expect(live.arms.reduce((sum, { assigned }) => sum + assigned, 0)).toBe(400)
    expect(live.sample_ratio.valid).toBe(false) // half of the clients in b under a split of 10 %
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
      r.type === 'served' && r.request_id.endsWith('.1') ? { ...r, model: 'b' } : r,
    )
    const { live, table } = await judge(lines)
    expect(live.crossed_clients).toBeGreaterThan(100)
    expect(table).toContain('clients of more than one arm')
  })
  it('a run that was replaced during the test is noted', async () => {
    const lines = traffic(100, [0.5, 0.5]).map((r, i) => (r.type === 'served' && i > 200 ? { ...r, weights: 'new' } : r))
    expect((await judge(lines)).table).toContain('a was answered by 2 weight files')
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

describe('readRecord', () => {
  it('a record that is written is read again', () => {
    const records = [served('1', 'a', null), feedback('1', { reward: 0 })]
    expect(records.map(logLine).map((line) => readRecord(line))).toEqual(records)
  })
  it.each(['', 'null', '[]', '{"version":2}', '{"version":1,"type":"served","request_id":"1"}', logLine(feedback('1', {}))])(
    'the line %j is no record',
    (line) => {
      expect(readRecord(line)).toBeUndefined()
    },
  )
  it.each([{ reward: 2 }, { reward: Number.NaN }, { row: -1 }, { row: 1.5 }, { row: 1, context: 1e9 }])(
    'feedback with %j is no record',
    (more) => {
      expect(readRecord(logLine(feedback('1', more)))).toBeUndefined()
    },
  )
})
