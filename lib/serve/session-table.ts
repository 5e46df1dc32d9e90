import { randomUUID } from 'node:crypto'
import { LvmError } from '../errors.js'

/** Ended sessions that are remembered, so that they are told from unknown ones. */
const REMEMBERED = 10_000
/** Longest time between two searches for idle sessions. Units: ms */
const SWEEP = 5000

export interface Session {
  readonly id: string
  /** Number of its stepper in the process. */
  readonly state: number
  /** Vectors fed so far. */
  position: number
  /** Whether the process holds its state. */
  started: boolean
  /** Steps that are not answered. */
  pending: number
  /** Time of its last use. Units: ms */
  used: number
}
/** Sessions in order of their last use. */
export interface SessionTable {
  readonly count: number
  /** Errors: OVERLOADED when no session is idle. */
  open(): Session
  /** Errors: NOT_FOUND, SESSION_GONE. */
  find(id: string): Session
  /** Marks a session as used. */
  touch(session: Session): void
  end(id: string): void
  /** Forgets the sessions whose state was in a process that has ended, and returns their ids. */
  lose(): ReadonlySet<string>
  /** Error for a session that has ended. */
  goneError(id: string): LvmError
  close(): void
}

const WHY = {
  idle: 'was idle too long',
  evicted: 'was evicted for a newer one',
  lost: 'was lost with its inference process',
  ended: 'was ended by its client',
} as const
const gone = (id: string, why: keyof typeof WHY) => new LvmError('SESSION_GONE', `serve: the session ${id} ${WHY[why]}`)

/** `state` numbers a new stepper, `free` frees that of a session that has ended. Units: idle in seconds. */
export function sessionTable(o: {
  most: number
  idle: number
  state: () => number
  free: (state: number) => void
}): SessionTable {
  const sessions = new Map<string, Session>()
  const past = new Map<string, keyof typeof WHY>()
  const end = (session: Session, why: keyof typeof WHY) => {
    sessions.delete(session.id)
    past.set(session.id, why)
    if (past.size > REMEMBERED) past.delete(past.keys().next().value!)
    if (why !== 'lost' && session.started) o.free(session.state)
  }
  const isExpired = ({ pending, used }: Session) => pending === 0 && performance.now() - used >= 1000 * o.idle
  const sweep = () => {
    for (const session of sessions.values()) if (isExpired(session)) end(session, 'idle')
  }
  const timer = setInterval(sweep, Math.min(SWEEP, 250 * o.idle)).unref()
  const touch = (session: Session) => {
    session.used = performance.now()
    if (sessions.delete(session.id)) sessions.set(session.id, session) // a session that has ended stays so
  }
  return {
    get count() {
      return sessions.size
    },
    open() {
      if (sessions.size >= o.most) {
        const oldest = [...sessions.values()].find(({ pending }) => pending === 0)
        if (oldest === undefined)
          throw new LvmError('OVERLOADED', `serve: expected one of ${o.most} sessions to be idle but all are in use`)
        end(oldest, 'evicted')
      }
      const session = { id: randomUUID(), state: o.state(), position: 0, started: false, pending: 0, used: performance.now() }
      sessions.set(session.id, session)
      return session
    },
    find(id) {
      const session = sessions.get(id)
      if (session !== undefined && !isExpired(session)) return session
      if (session !== undefined) end(session, 'idle')
      const why = past.get(id)
      if (why !== undefined) throw gone(id, why)
      throw new LvmError('NOT_FOUND', `serve: expected the id of a session but received "${id.slice(0, 80)}"`)
    },
    touch,
    end: (id) => void end(sessions.get(id)!, 'ended'),
    lose() {
      const lost = [...sessions.values()].filter(({ started }) => started)
      for (const session of lost) end(session, 'lost')
      return new Set(lost.map(({ id }) => id))
    },
    goneError: (id) => gone(id, past.get(id)!),
    close: () => clearInterval(timer),
  }
}
