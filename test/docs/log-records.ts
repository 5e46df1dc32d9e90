import type { LogRecord } from '../../lib/study/abtest/served-log.js'

/** Log of a server with one request and one feedback of each client. */
export function logRecords(): LogRecord[] {
  const time = '2026-01-01T00:00:00.000Z'
  const split = { a: 50, b: 50 }
  const weights = '0'.repeat(64)
  const answer = { route: 'retrieve', split, k: 2, ms: 2.5 }
  const replaced = { ...answer, model: 'a', weights: '1'.repeat(64), rows: [[1, 2]], client: null }
  const records = Array.from({ length: 150 }, (_, i): LogRecord[] => {
    const [request_id, model] = [`request-${i}`, 'ab'[i % 2]!]
    return [
      { version: 1, type: 'served', time, request_id, client: `client-${i}`, ...answer, model, weights, rows: [[i, i + 1]] },
      { version: 1, type: 'feedback', time, request_id, context: 0, row: i % 3 === 0 ? i : 0, reward: null },
    ]
  }).flat()
  return [{ version: 1, type: 'served', time, request_id: 'early', ...replaced }, ...records]
}
