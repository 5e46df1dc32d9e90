import { LvmError } from '../errors.js'
import type { AnswerHeader, BatchHeader } from './engine-messages.js'
import type { Asked, EngineEvent } from './engine-types.js'
import type { Frame } from './frames.js'
import type { InferenceProcess } from './inference-process.js'
import { type Part, requestQueue, type Work } from './request-queue.js'

/** Batches in the process: one that is computed and one that is ready when it ends. */
const DEPTH = 2
/** Longest delay of a JavaScript timer. Units: ms */
const MAX_TIMER = 2 ** 31 - 1
/** Weight of the newest batch in the measured rate. */
const NEWEST = 0.2

/** A request, which `dispatch` sends in one or more batches. */
export interface Request extends Omit<Work, 'deadline' | 'since'> {
  /** Called when all its contexts have been received. */
  done(): void
  /** It continues a state in the process, and is lost with it. */
  readonly bound?: boolean
}
interface Job extends Request, Work {
  /** Contexts that have not been received. */
  left: number
  readonly signal: AbortSignal
  readonly onAbort: () => void
}
interface Batch {
  readonly parts: readonly Part<Job>[]
  readonly contexts: number
}
export interface Dispatch {
  /** Units: contexts */
  readonly queued: number
  /** Units: contexts */
  readonly inFlight: number
  /** Time in which the waiting contexts are computed at the measured rate. Units: s */
  readonly wait: number
  /** Accepts a request, or fails it at once. */
  submit(request: Request, asked: Asked): void
  /** Sends batches to this process from now on. */
  use(process: InferenceProcess): void
  /** Fails the requests of a process that has ended, and returns their number. */
  lose(error: LvmError): number
  /** Fails the requests that `leaves` accepts. */
  failWhere(leaves: (request: Request) => boolean, error: LvmError): void
  /** Fails all requests, and those to come, until it is called with null. */
  refuse(error: LvmError | null): void
}
export interface DispatchOptions {
  readonly maxBatch: number
  readonly maxQueue: number
  readonly batchDelay: number
  readonly observe: (event: EngineEvent) => void
}

const REJECTED = {
  OVERLOADED: 'OVERLOADED',
  DEADLINE: 'DEADLINE',
  UNAVAILABLE: 'UNAVAILABLE',
  INTERRUPTED: 'CLIENT_LEFT',
} as const
const late = () => new LvmError('DEADLINE', 'serve: expected to answer before the deadline of the request but it has passed')
const left = () => new LvmError('INTERRUPTED', 'serve: the client left before its answer')

/** Refuses what does not fit into the queue. */
function refusal({ size }: Request, queued: number, { maxQueue }: DispatchOptions): LvmError | undefined {
  if (size > maxQueue)
    return new LvmError('TOO_LARGE', `serve: expected at most ${maxQueue} contexts in a request but received ${size}`, {
      hint: 'send fewer contexts in one request, or start the server with a larger --max-queue',
    })
  if (queued + size > maxQueue)
    return new LvmError('OVERLOADED', `serve: expected at most ${maxQueue} waiting contexts but ${queued} wait and ${size} came`)
  return undefined
}

/** Gathers requests into batches for one process. */
export function dispatch(o: DispatchOptions): Dispatch {
  const queue = requestQueue<Job>()
  const live = new Set<Job>()
  const batches = new Set<Batch>()
  let process: InferenceProcess | null = null
  let rate = 0 // contexts per ms
  let last = { end: 0, requests: 0 }
  let scheduled = false
  let delayed: NodeJS.Timeout | undefined
  let watch: { timer: NodeJS.Timeout; at: number } | undefined
  let refused: LvmError | null = null

  const reject = (request: Request, error: LvmError) => {
    const code = REJECTED[error.code as keyof typeof REJECTED]
    if (code !== undefined) o.observe({ type: 'rejected', code })
    request.fail(error)
  }
  const forget = (job: Job) => {
    live.delete(job)
    job.signal.removeEventListener('abort', job.onAbort)
    if (live.size > 0) return
    clearTimeout(watch?.timer)
    watch = undefined
  }
  const fail = (jobs: readonly Job[], error: LvmError) => {
    const leaving = new Set(jobs.filter((job) => live.has(job)))
    queue.remove((job) => leaving.has(job))
    for (const job of leaving) {
      forget(job)
      reject(job, error)
    }
    return leaving.size
  }

  const arm = (deadline: number) => {
    if (watch !== undefined && watch.at <= deadline) return
    clearTimeout(watch?.timer)
    const wait = Math.min(MAX_TIMER, Math.max(0, deadline - performance.now()))
    watch = { at: deadline, timer: setTimeout(expire, wait) }
  }
  const expire = () => {
    watch = undefined
    const now = performance.now()
    const jobs = [...live]
    fail(
      jobs.filter(({ deadline }) => deadline <= now),
      late(),
    )
    if (live.size > 0) arm(Math.min(...Array.from(live, ({ deadline }) => deadline)))
  }

  const received = (batch: Batch, answer: Frame) => {
    if (!batches.delete(batch)) return
    const { ms } = answer.header as AnswerHeader
    const { contexts, parts } = batch
    rate = rate === 0 ? contexts / ms : (1 - NEWEST) * rate + (NEWEST * contexts) / ms
    last = { end: performance.now(), requests: parts.length }
    pump()
    o.observe({ type: 'batch', contexts, requests: parts.length, context: parts[0]!.work.context, inferenceMs: ms })
    let at = 0
    for (const [i, { work, from, count }] of parts.entries()) {
      work.receive(from, count, answer, at, i) // also after its deadline: a session must know that it was fed
      work.left -= count
      if (work.left === 0 && live.has(work)) {
        forget(work)
        work.done()
      }
      at += count
    }
  }
  const send = (to: InferenceProcess, parts: readonly Part<Job>[]) => {
    const { kind, context } = parts[0]!.work
    const batch = { parts, contexts: parts.reduce((sum, { count }) => sum + count, 0) }
    batches.add(batch)
    const now = performance.now()
    for (const { work, from } of parts) if (from === 0) o.observe({ type: 'waited', queueMs: now - work.since })
    const header: BatchHeader<unknown> = { context, items: parts.map(({ work, from, count }) => work.item(from, count)) }
    const vectors = parts.flatMap(({ work, from, count }) => work.vectors(from, count))
    to.ask(kind, header, vectors).then(
      (answer) => received(batch, answer),
      (error) => {
        if (!batches.delete(batch)) return
        if (parts.length === 1) fail([parts[0]!.work], error)
        else for (const part of parts) if (live.has(part.work)) send(to, [part]) // the fault of one request is not that of the others
        pump()
      },
    )
  }

  /** Waits for more contexts only while several clients are active, so that a single one never waits. */
  const delays = () =>
    batches.size === 0 && queue.contexts < o.maxBatch && last.requests > 1 && performance.now() - last.end < o.batchDelay
  const pump = () => {
    clearTimeout(delayed)
    while (process !== null && queue.contexts > 0) {
      if (batches.size >= DEPTH || (batches.size > 0 && queue.contexts < o.maxBatch)) return
      if (delays()) {
        delayed = setTimeout(pump, o.batchDelay - (performance.now() - last.end))
        return
      }
      send(process, queue.take(o.maxBatch))
    }
  }
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      pump()
    })
  }

  return {
    get queued() {
      return queue.contexts
    },
    get inFlight() {
      let sum = 0
      for (const { contexts } of batches) sum += contexts
      return sum
    },
    get wait() {
      return rate === 0 ? 0 : queue.contexts / rate / 1000
    },
    submit(request, { deadline, signal }) {
      const now = performance.now()
      const error = refused ?? (signal.aborted ? left() : deadline <= now ? late() : refusal(request, queue.contexts, o))
      if (error !== undefined) return reject(request, error)
      const job: Job = {
        ...request,
        deadline,
        since: now,
        left: request.size,
        signal,
        onAbort: () => fail([job], left()),
      }
      live.add(job)
      signal.addEventListener('abort', job.onAbort, { once: true })
      queue.push(job)
      arm(deadline)
      schedule() // requests that were read in one turn of the event loop share a batch
    },
    use(next) {
      process = next
      pump()
    },
    lose(error) {
      process = null
      const lost = [...batches].flatMap(({ parts }) => parts.map(({ work }) => work))
      batches.clear()
      return fail(lost, error)
    },
    failWhere: (leaves, error) => void fail([...live].filter(leaves), error),
    refuse(error) {
      refused = error
      if (error !== null) fail([...live], error)
    },
  }
}
