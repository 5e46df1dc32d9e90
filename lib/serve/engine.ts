import { LvmError } from '../errors.js'
import { type Dispatch, dispatch } from './dispatch.js'
import { ASK } from './engine-messages.js'
import { askFeed, askPredict, askRetrieve, requireFit, type Submit } from './engine-requests.js'
import { rollOut } from './engine-rollout.js'
import type { Engine, EngineEvent, EngineOptions, ServedRun } from './engine-types.js'
import type { Ended } from './inference-process.js'
import { type SessionTable, sessionTable } from './session-table.js'
import { type Supervisor, supervise } from './supervise.js'

/** Limits of the time that a refused client is told to wait. Units: s */
const [LEAST_WAIT, MOST_WAIT] = [1, 60]

const closed = () => new LvmError('UNAVAILABLE', 'serve: expected a running server but it is stopping')
const lostWith = ({ exit, signal }: Ended) =>
  new LvmError(
    'UNAVAILABLE',
    `serve: expected an answer but the inference process ended ${signal === null ? `with exit code ${exit}` : `by ${signal}`}`,
  )
const broken = (error: LvmError) =>
  new LvmError('UNAVAILABLE', `serve: expected the inference process to start again but it failed: ${error.message}`, {
    cause: error,
    hint: error.commandHint,
  })

interface Parts {
  readonly o: EngineOptions
  readonly works: Dispatch
  readonly sessions: SessionTable
  readonly submit: Submit
  readonly run: ServedRun
  state(): number
  free(state: number): void
}

/** The requests of an engine. */
function requestsOf({ o, works, sessions, submit, run, state, free }: Parts) {
  const { dim } = run
  const requireCausal = (owner: string) => {
    if (!run.causal)
      throw new LvmError(
        'BAD_REQUEST',
        `${owner}: expected a causal model but ${run.architecture} sees the whole context at once`,
      )
  }
  return {
    async predict(x, asked) {
      requireFit('predict', run, x)
      return askPredict(submit, dim, x, asked)
    },
    async retrieve(x, which, asked) {
      if (run.bank === null) throw new LvmError('BAD_REQUEST', 'retrieve: expected a server with a bank but it has none')
      requireFit('retrieve', run, x)
      return askRetrieve(submit, dim, x, which, asked)
    },
    async rollout(x, steps, asked) {
      requireFit('rollout', run, x)
      return rollOut({ submit, run, maxBatch: o.maxBatch, state, free }, x, steps, asked)
    },
    async openSession() {
      requireCausal('sessions')
      return sessions.open().id
    },
    async feed(id, vector, asked) {
      const session = sessions.find(id)
      const next = session.position + session.pending + 1
      if (vector.length !== dim)
        throw new LvmError('BAD_REQUEST', `sessions: expected a vector of ${dim} numbers but received ${vector.length}`)
      if (next > run.contexts.longest)
        throw new LvmError(
          'BAD_REQUEST',
          `sessions: expected at most ${run.contexts.longest} vectors in a session of this ${run.architecture} but received another`,
        )
      session.pending++
      sessions.touch(session)
      let position = 0
      const sent = () => {
        session.started = true
      }
      const fed = () => {
        position = ++session.position
      }
      try {
        const feed = { state: session.state, batch: 1, key: id, vectors: vector, sent, fed }
        return { prediction: await askFeed(submit, dim, feed, asked), position }
      } finally {
        session.pending--
        sessions.touch(session)
      }
    },
    async endSession(id) {
      sessions.find(id)
      works.failWhere(({ key }) => key === id, new LvmError('SESSION_GONE', `serve: the session ${id} was ended by its client`))
      sessions.end(id)
    },
  } satisfies Partial<Engine>
}

/** Counts the calls that run, so that `drain` can wait for them. */
function callCounter(isClosed: () => boolean) {
  let running = 0
  const idlers: (() => void)[] = []
  return {
    count:
      <A extends unknown[], R>(call: (...given: A) => Promise<R>) =>
      async (...given: A): Promise<R> => {
        if (isClosed()) throw closed()
        running++
        try {
          return await call(...given)
        } finally {
          if (--running === 0) for (const idle of idlers.splice(0)) idle()
        }
      },
    idle: () => (running === 0 ? Promise.resolve() : new Promise<void>((done) => idlers.push(done))),
  }
}

/**
 * Starts a process that has loaded a run, and computes requests in it.
 *
 * Errors: those of load, at the start; those of openBeside for a bank of another space or dimension; INTERNAL when the process crashes.
 */
export async function openEngine(o: EngineOptions): Promise<Engine> {
  const { run, name, bank, space, device, threads, deterministic } = o
  let answered = false // whether the current process has computed a batch
  let died = 0
  let retry = 0
  let isClosed = false
  let states = 0
  const observe = (event: EngineEvent) => {
    answered ||= event.type === 'batch'
    o.observe(event)
  }
  const works = dispatch({ ...o, observe })
  let supervisor: Supervisor | undefined
  const free = (state: number) => supervisor?.current?.tell(ASK.free, { states: [state] })
  const state = () => states++
  const sessions = sessionTable({ most: o.maxSessions, idle: o.sessionIdle, state, free: (session) => free(session.state) })
  supervisor = await supervise({ run, name, bank, space, device, threads, deterministic }, () => answered, {
    up(process) {
      answered = false
      works.refuse(null)
      works.use(process)
      if (died > 0) observe({ type: 'restarted', seconds: (performance.now() - died) / 1000 })
    },
    down(ended) {
      died = performance.now()
      const lost = works.lose(lostWith(ended))
      const gone = sessions.lose()
      works.failWhere(({ bound }) => bound === true, lostWith(ended))
      for (const id of gone) works.failWhere(({ key }) => key === id, sessions.goneError(id))
      observe({ type: 'fault', ...ended, lost })
    },
    failed(error, wait) {
      retry = performance.now() + wait
      works.refuse(broken(error))
    },
  })
  const process = supervisor
  const served = process.run
  const submit: Submit = (request, asked) => new Promise((done, fail) => works.submit({ ...request, done, fail }, asked))
  const { count, idle } = callCounter(() => isClosed)
  const parts = { o, works, sessions, submit, run: served, state, free }
  const requests = requestsOf(parts)
  const close = async (how: 'end' | 'kill') => {
    isClosed = true
    if (how === 'end') await idle()
    works.refuse(closed())
    sessions.close()
    await process.stop(how)
  }
  return {
    run: served,
    get state() {
      return isClosed ? 'closed' : process.current === null ? 'restarting' : 'ready'
    },
    gauges: {
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
      get retryAfter() {
        const wait = Math.max(works.wait, process.current === null ? (retry - performance.now()) / 1000 : 0)
        return Math.ceil(Math.min(MOST_WAIT, Math.max(LEAST_WAIT, wait)))
      },
    },
    predict: count(requests.predict),
    retrieve: count(requests.retrieve),
    rollout: count(requests.rollout),
    openSession: count(requests.openSession),
    feed: count(requests.feed),
    endSession: count(requests.endSession),
    drain: () => close('end'),
    close: () => close('kill'),
  }
}
