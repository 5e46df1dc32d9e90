import type { LogRecord } from '../../lib/study/abtest/served-log.js'

/** Log of a server with one request and one feedback of each client. */
export function logRecords(): LogRecord[] {
  const time = '2026-01-01T00:00:00.000Z'
  const split = { a: 50, b: 50 }
  return Array.from({ length: 150 }, (_, i): LogRecord[] => {
    const [request_id, model] = [`request-${i}`, 'ab'[i % 2]!]
    const answer = { model, weights: '0'.repeat(64), route: 'retrieve', split, k: 2, rows: [[i, i + 1]], ms: 2.5 }
    return [
      { version: 1, type: 'served', time, request_id, client: `client-${i}`, ...answer },
      { version: 1, type: 'feedback', time, request_id, context: 0, row: i % 3 === 0 ? i : 0, reward: null },
    ]
  }).flat()
}
