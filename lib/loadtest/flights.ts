import type { Pool } from 'undici'
import { now } from './arrivals.js'
import { timedOut } from './connection.js'
import { type Flight, outcomeOf, send } from './request.js'
import type { SenderSetup } from './sender-setup.js'
import type { Lanes } from './session-lanes.js'
import type { Outcome, tally } from './tally.js'

/** Interval in which requests without an answer are looked for. Units: ms */
const EXPIRY_MS = 20

const failure = (error: NodeJS.ErrnoException): Outcome => ({
  kind: 'failed',
  code: String(error.code ?? error.name),
  message: error.message || String(error),
})

/** Sends the requests of a stage, ends those without an answer in time, and counts all of them. */
export function flights(pool: Pool, setup: SenderSetup, lanes: Lanes | undefined, counts: ReturnType<typeof tally>) {
  const { timeout } = setup.connection
  const under = new Map<Flight, number>()
  const waiting: number[] = [] // due times of requests without a free session
  let [most, next] = [0, 0]
  let drained: (() => void) | undefined
  const settle = () => {
    if (under.size === 0 && waiting.length === 0) drained?.()
  }
  const fire = (due: number, then?: () => void): void => {
    const lane = lanes?.take()
    most = Math.max(most, under.size + waiting.length + 1)
    if (lanes && lane === undefined) return void waiting.push(due)
    const started = now()
    const body = setup.bodies[next++ % setup.bodies.length]!
    const flight = send(pool, { ...setup.message, ...(lane && { path: lane.path }), body }, (answer) => {
      const finished = now()
      under.delete(flight)
      const outcome = answer instanceof Error ? failure(answer) : outcomeOf(answer, setup.form)
      counts.end(due, started, finished, outcome)
      if (lane) lanes!.give(lane, outcome)
      if (waiting.length > 0) fire(waiting.shift()!)
      then?.()
      settle()
    })
    under.set(flight, due)
  }
  const expiry = setInterval(() => {
    const limit = now() - timeout
    for (const [flight, due] of under) if (due < limit) flight.abort(timedOut(timeout))
    while (waiting.length > 0 && waiting[0]! < limit) {
      const due = waiting.shift()!
      counts.end(due, due + timeout, due + timeout, failure(timedOut(timeout)))
    }
    settle()
  }, EXPIRY_MS)
  return {
    /** Sends a request that was due at a time; calls `then` after its end. */
    fire,
    most: () => most,
    /** Resolves when every request has ended; none may be sent afterwards. */
    end: async (): Promise<void> => {
      await new Promise<void>((resolve) => {
        drained = resolve
        settle()
      })
      clearInterval(expiry)
    },
  }
}
