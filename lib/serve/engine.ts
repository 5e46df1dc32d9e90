import { LvmError } from '../errors.js'
import { Dispatch } from './dispatch.js'
import { ASK } from './engine-messages.js'
import { askPredict, askRetrieve, requireFit, type Submit } from './engine-requests.js'
import { rollOut } from './engine-rollout.js'
import { sessionCalls } from './engine-sessions.js'
import type { Engine, EngineEvent, EngineOptions } from './engine-types.js'
import type { Ended } from './inference-process.js'
import { type SessionTable, sessionTable } from './session-table.js'
import { type Listener, type Supervisor, supervise } from './supervise.js'

/** Limits of the time that a refused client is told to wait. Units: s */
const [LEAST_WAIT, MOST_WAIT] = [1, 60]

const closed = () => new LvmError('UNAVAILABLE', 'serve: expected a running server but it is stopping')
const KILLED = { silent: 'was killed because it no longer reacted', stuck: 'was killed because a batch took too long' } as const
const lostWith = ({ exit, signal, reason }: Ended) => {
  const how = reason !== null ? KILLED[reason] : signal === null ? `ended with exit code ${exit}` : `ended by ${signal}`
  return new LvmError('UNAVAILABLE', `serve: expected an answer but the inference process ${how}`)
}
const broken = (error: LvmError) =>
  new LvmError('UNAVAILABLE', `serve: expected the inference process to start again but it failed: ${error.message}`, {
    cause: error,
    hint: error.commandHint,
  })

/** Counts the calls that run, so that `drain` can wait for them. */
class CallCounter {
  closed = false
  private running = 0
  private idlers: (() => void)[] = []
  count<A extends unknown[], R>(call: (...given: A) => Promise<R>): (...given: A) => Promise<R> {
    return async (...given) => {
      if (this.closed) throw closed()
      this.running++
      try {
        return await call(...given)
      } finally {
        if (--this.running === 0) for (const idle of this.idlers.splice(0)) idle()
      }
    }
  }
  idle(): Promise<void> {
    return this.running === 0 ? Promise.resolve() : new Promise((done) => this.idlers.push(done))
  }
}

/** Passes the life of the process on to requests, sessions and events. */
function listener(works: Dispatch, sessions: SessionTable, observe: (event: EngineEvent) => void): Listener {
  let died = 0
  const said = new Set<string>()
  return {
    up(process) {
      works.use(process)
      if (died > 0) observe({ type: 'restarted', seconds: (performance.now() - died) / 1000 })
    },
    down(ended) {
      died = performance.now()
      const lost = works.lose(lostWith(ended))
      for (const id of sessions.lose()) works.failWhere(({ key }) => key === id, sessions.goneError(id))
      observe({ type: 'fault', ...ended, lost })
    },
    failed: (error) => works.refuse(broken(error)),
    warned(message) {
      if (said.has(message)) return // a process that is started again says the same
      said.add(message)
      observe({ type: 'warning', message })
    },
  }
}

const gaugesOf = (works: Dispatch, sessions: SessionTable, process: Supervisor): Engine['gauges'] => ({
  get queued() {
    return works.queued
  },
  get inFlight() {
    return works.inFlight
  },
  get sessions() {
    return sessions.count
  },
  get pid() {
    return process.current?.pid ?? null
  },
  get memoryBytes() {
    return process.current?.memoryBytes ?? 0
  },
  get cpuSeconds() {
    return process.current?.cpuSeconds ?? 0
  },
  get retryAfter() {
    return Math.ceil(Math.min(MOST_WAIT, Math.max(LEAST_WAIT, works.wait, process.wait)))
  },
})

/**
 * Starts a process that has loaded a run, and computes requests in it.
 *
 * Errors: those of load; those of openBeside for a bank of another space or dimension; INTERNAL when the process crashes at its start.
 */
export async function openEngine(o: EngineOptions): Promise<Engine> {
  const { observe, maxBatch } = o
  let states = 0
  const state = () => states++
  const free = (number: number) => process.current?.tell(ASK.free, { states: [number] })
  const works = new Dispatch(o, observe)
  const sessions = sessionTable({ most: o.maxSessions, idle: o.sessionIdle, state, free })
  const process = await supervise(o, listener(works, sessions, observe)).catch((error) => {
    sessions.close()
    throw error
  })
  const { run } = process
  const submit: Submit = (request, asked) => new Promise((done, fail) => works.submit({ ...request, done, fail }, asked))
  const calls = new CallCounter()
  const stop = async (how: 'end' | 'kill') => {
    calls.closed = true
    if (how === 'end') await calls.idle()
    works.refuse(closed())
    sessions.close()
    await process.stop(how)
  }
  const { openSession, feed, endSession } = sessionCalls(run, { sessions, works, submit })
  return {
    run,
    get state() {
      return calls.closed ? 'closed' : process.current === null ? 'restarting' : 'ready'
    },
    gauges: gaugesOf(works, sessions, process),
    predict: calls.count(async (x, asked) => {
      requireFit('predict', run, x)
      return askPredict(submit, run.dim, x, asked)
    }),
    retrieve: calls.count(async (x, which, asked) => {
      if (run.bank === null) throw new LvmError('BAD_REQUEST', 'retrieve: expected a server with a bank but it has none')
      requireFit('retrieve', run, x)
      return askRetrieve(submit, run.dim, x, which, asked)
    }),
    rollout: calls.count(async (x, steps, asked) => {
      requireFit('rollout', run, x)
      works.requireRoom(x.batch)
      const next: Submit = (request, asked) => submit({ ...request, accepted: true }, asked)
      return rollOut({ submit: next, run, maxBatch, state, free }, x, steps, asked)
    }),
    openSession: calls.count(openSession),
    feed: calls.count(feed),
    endSession: calls.count(endSession),
    requireRoom: () => works.requireRoom(1),
    drain: () => stop('end'),
    close: () => stop('kill'),
  }
}
