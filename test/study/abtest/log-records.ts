import { randomIndex } from '../../../lib/statistics/random-index.js'
import type { FeedbackRecord, LogRecord, ServedRecord } from '../../../lib/study/abtest/served-log.js'

const time = '2026-01-01T00:00:00.000Z'
export const served = (
  request_id: string,
  model: string,
  client: string | null,
  more: Partial<ServedRecord> = {},
): ServedRecord => {
  const answer = { route: 'retrieve', split: { a: 50, b: 50 }, k: 2, rows: [[4, 7]], ms: 1 }
  return { version: 1, type: 'served', time, request_id, client, model, weights: `of ${model}`, ...answer, ...more }
}
export const feedback = (request_id: string, more: Partial<FeedbackRecord>): FeedbackRecord => ({
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
export function traffic(
  clients: number,
  rates: readonly [number, number],
  o: { share?: number; seed?: number } = {},
): LogRecord[] {
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
/** Requests of as many clients of two arms, and of some of a third. */
export const three = (clients: number, rates: readonly [number, number, number], few: number): LogRecord[] => {
  const draw = randomIndex(9)
  return Array.from({ length: 2 * clients + few }, (_, c) => {
    const arm = c < 2 * clients ? c % 2 : 2
    const split = { a: clients, b: clients, c: few }
    const reward = Number(draw(1e6) < rates[arm]! * 1e6)
    return [served(`${c}`, 'abc'[arm]!, `${c}`, { split }), feedback(`${c}`, { reward })]
  }).flat()
}
