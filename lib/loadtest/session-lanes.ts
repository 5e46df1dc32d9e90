import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'
import { ask } from './connection.js'
import { type Message, problemOf } from './request.js'
import type { SenderSetup } from './sender-setup.js'
import type { Outcome } from './tally.js'

/** A session of the server; it takes one vector at a time. */
interface Lane {
  path: string
  /** Vectors that it was fed. */
  fed: number
}

/** Wait before an opening is tried again. Units: ms */
const REOPEN_MS = 100
/** Codes of a session that no longer exists. */
const LOST = ['SESSION_GONE', 'NOT_FOUND']

export type Lanes = Awaited<ReturnType<typeof openLanes>>

/** Opens the sessions of a thread, hands them out one request at a time, and replaces those that end. Errors: those of the first openings. */
export async function openLanes(pool: Pool, { message, connection, sessions, sessionLength }: SenderSetup) {
  let closed = false
  const request = (method: Message['method'], path: string, body: object | null) =>
    ask(pool, { ...message, method, path, body: body && Buffer.from(JSON.stringify(body)) }, connection.timeout)
  const open = async (): Promise<string> => {
    const answer = await request('POST', message.path, {})
    if (answer.status > 299) throw Object.assign(new Error(problemOf(answer).message), { code: problemOf(answer).code })
    const { session } = JSON.parse(answer.body.toString()) as { session: string }
    return `${message.path}/${encodeURIComponent(session)}`
  }
  const lanes: Lane[] = await Promise.all(Array.from({ length: sessions }, async () => ({ path: await open(), fed: 0 })))
  const free = [...lanes]
  const replace = async (lane: Lane) => {
    if (lane.fed >= sessionLength) await request('DELETE', lane.path, null).catch(() => {})
    while (!closed) {
      try {
        lane.path = await open()
        lane.fed = 0
        return void free.push(lane)
      } catch {} // the server refuses; requests that wait for a session time out
      await sleep(REOPEN_MS)
    }
  }
  return {
    /** A session that is not in use; undefined if all are. */
    take: (): Lane | undefined => free.shift(),
    give: (lane: Lane, outcome: Outcome): void => {
      const isLost = outcome.kind === 'failed' && LOST.includes(outcome.code)
      if (++lane.fed >= sessionLength || isLost) void replace(lane)
      else free.push(lane)
    },
    close: async (): Promise<void> => {
      closed = true
      await Promise.allSettled(lanes.map(({ path }) => request('DELETE', path, null)))
    },
  }
}
