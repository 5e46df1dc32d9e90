import { LvmError } from '../errors.js'
import { fullness, lateness } from './admission.js'
import { BatchTimes, Lag } from './batch-times.js'
import { DeadlineWatch } from './deadline-watch.js'
import type { AnswerHeader, BatchHeader } from './engine-messages.js'
import type { Asked, EngineEvent, EngineOptions } from './engine-types.js'
import type { Frame } from './frames.js'
import type { InferenceProcess } from './inference-process.js'
import { type Part, RequestQueue, type Work } from './request-queue.js'

/** Batches in the process: one that is computed, and a full one that is ready when it ends. */
const DEPTH = 2

/** Work with its result. */
export interface Request extends Work {
  /** It continues a state in the process, and is lost with it. */
  readonly bound?: boolean
  /** It is a later part of accepted work, for which the queue is never full. */
  readonly accepted?: boolean
  /** Called when all its contexts have been received. */
  done(): void
  fail(error: unknown): void
}
interface Job extends Request {
  /** Time of its arrival in the queue, and of its first byte. Units: ms */
  readonly since: number
  readonly asked: number
  /** Expected time of the batches up to its own. Units: ms */
  readonly expected: number
  readonly deadline: number
  readonly signal: AbortSignal
  readonly onAbort: () => void
  /** Contexts that have not been received. */
  left: number
}
interface Batch {
  readonly parts: readonly Part<Job>[]
  readonly contexts: number
}

const REJECTED = {
  OVERLOADED: 'OVERLOADED',
  DEADLINE: 'DEADLINE',
  UNAVAILABLE: 'UNAVAILABLE',
  INTERRUPTED: 'CLIENT_LEFT',
} as const
const late = () => new LvmError('DEADLINE', 'serve: expected to answer before the deadline of the request but it has passed')
const left = () => new LvmError('INTERRUPTED', 'serve: expected a client that waits for its answer but it has left')

/** Gathers requests into batches for one process at a time. */
export class Dispatch {
  private readonly queue = new RequestQueue<Job>()
  private readonly live = new Set<Job>()
  private readonly batches = new Set<Batch>()
  private readonly deadlines = new DeadlineWatch(() => this.expire())
  private process: InferenceProcess | null = null
  private refused: LvmError | null = null
  private readonly times = new BatchTimes()
  private readonly lag: Lag
  private lastEnd = 0
  private lastRequests = 0
  private scheduled = false
  private delayed: NodeJS.Timeout | undefined
  constructor(
    private readonly o: Pick<EngineOptions, 'maxBatch' | 'maxQueue' | 'maxWait' | 'batchDelay'>,
    private readonly observe: (event: EngineEvent) => void,
  ) {
    this.lag = new Lag(o.maxWait ?? 0)
  }

  /** Units: contexts */
  get queued(): number {
    return this.queue.contexts
  }
  /** Units: contexts */
  get inFlight(): number {
    let sum = 0
    for (const { contexts } of this.batches) sum += contexts
    return sum
  }
  /** Time in which the waiting contexts are computed, as measured. Units: s */
  get wait(): number {
    return this.times.of(this.queue.contexts, this.o.maxBatch) / 1000
  }

  /** Accepts a request, or fails it at once. */
  submit(request: Request, { since: asked, deadline, signal }: Asked): void {
    const since = performance.now()
    const error = signal.aborted
      ? left()
      : deadline <= since
        ? late()
        : (this.refused ?? (request.accepted === true ? undefined : this.noRoom(request.size)))
    if (error === undefined) this.accept(request, since, asked ?? since, deadline, signal)
    else this.reject(request, error)
  }
  private accept(request: Request, since: number, asked: number, deadline: number, signal: AbortSignal): void {
    const onAbort = () => void this.fail([job], left())
    const expected = this.expected(request.size)
    const job: Job = { ...request, since, asked, expected, deadline, signal, onAbort, left: request.size }
    signal.addEventListener('abort', onAbort, { once: true })
    this.live.add(job)
    this.queue.push(job)
    this.deadlines.arm(deadline)
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.pump() // requests that were read in one turn of the event loop share a batch
    })
  }
  private noRoom(size: number): LvmError | undefined {
    const waiting = this.queue.contexts
    const before = waiting + this.inFlight
    return fullness(size, waiting, this.o.maxQueue) ?? lateness(before, this.expected(size) + this.lag.value, this.o.maxWait)
  }
  /** Time in which the contexts before a request and its own are computed, as measured. Units: ms */
  private expected(size: number): number {
    return this.times.of(this.queue.contexts + this.inFlight + size, this.o.maxBatch)
  }
  /** Errors: OVERLOADED, TOO_LARGE when the queue has no room for so many contexts. */
  requireRoom(size: number): void {
    const error = this.noRoom(size)
    if (error === undefined) return
    this.count(error)
    throw error
  }
  /** Sends batches to this process from now on. */
  use(process: InferenceProcess): void {
    this.process = process
    this.refused = null
    this.pump()
  }
  /** Fails the requests that a process had when it ended, or whose state it had, and returns the number of the former. */
  lose(error: LvmError): number {
    this.process = null
    const lost = [...this.batches].flatMap(({ parts }) => parts.map(({ work }) => work))
    this.batches.clear()
    const count = this.fail(lost, error)
    this.failWhere(({ bound }) => bound === true, error)
    return count
  }
  failWhere(leaves: (request: Request) => boolean, error: LvmError): void {
    this.fail([...this.live].filter(leaves), error)
  }
  /** Fails all requests, and those to come until another process is used. */
  refuse(error: LvmError): void {
    this.refused = error
    this.fail([...this.live], error)
  }

  private count({ code }: LvmError): void {
    const reason = REJECTED[code as keyof typeof REJECTED]
    if (reason !== undefined) this.observe({ type: 'rejected', code: reason })
  }
  private reject(request: Request, error: LvmError): void {
    this.count(error)
    request.fail(error)
  }
  private forget(job: Job): void {
    this.live.delete(job)
    job.signal.removeEventListener('abort', job.onAbort)
    if (this.live.size === 0) this.deadlines.clear()
  }
  private fail(jobs: readonly Job[], error: LvmError): number {
    const leaving = new Set(jobs.filter((job) => this.live.has(job)))
    if (leaving.size > 0) this.queue.remove((job) => leaving.has(job))
    for (const job of leaving) {
      this.forget(job)
      this.reject(job, error)
    }
    return leaving.size
  }
  private expire(): number {
    const now = performance.now()
    this.fail(
      [...this.live].filter(({ deadline }) => deadline <= now),
      late(),
    )
    let next = Number.POSITIVE_INFINITY
    for (const { deadline } of this.live) next = Math.min(next, deadline)
    return next
  }

  /** Time to wait for more contexts: only while several clients are active, so that a single one never waits. Units: ms */
  private get delay(): number {
    if (this.batches.size > 0 || this.queue.contexts >= this.o.maxBatch || this.lastRequests < 2) return 0
    return this.o.batchDelay - (performance.now() - this.lastEnd)
  }
  private pump(): void {
    clearTimeout(this.delayed)
    while (this.process !== null && this.queue.contexts > 0) {
      const full = this.queue.contexts >= this.o.maxBatch
      if (this.batches.size >= (full ? DEPTH : 1)) return
      const { delay } = this
      if (delay > 0) {
        this.delayed = setTimeout(() => this.pump(), delay)
        return
      }
      const parts = this.queue.take(this.o.maxBatch)
      const now = performance.now()
      for (const { work, from } of parts) if (from === 0) this.observe({ type: 'waited', queueMs: now - work.since })
      this.send(this.process, parts)
    }
  }
  private send(to: InferenceProcess, parts: readonly Part<Job>[]): void {
    const { kind, context } = parts[0]!.work
    const batch = { parts, contexts: parts.reduce((sum, { count }) => sum + count, 0) }
    this.batches.add(batch)
    const header: BatchHeader<unknown> = { context, items: parts.map(({ work, from, count }) => work.item(from, count)) }
    const vectors = parts.flatMap(({ work, from, count }) => work.vectors(from, count))
    to.ask(kind, header, vectors).then(
      (answer) => this.received(batch, answer),
      (error) => this.refusedBy(to, batch, error),
    )
  }
  /** The fault of one request is not that of the others, so each is sent alone. */
  private refusedBy(process: InferenceProcess, batch: Batch, error: LvmError): void {
    if (!this.batches.delete(batch)) return
    if (batch.parts.length === 1) this.fail([batch.parts[0]!.work], error)
    else for (const part of batch.parts) if (this.live.has(part.work)) this.send(process, [part])
    this.pump()
  }
  private received(batch: Batch, answer: Frame): void {
    if (!this.batches.delete(batch)) return
    const { ms } = answer.header as AnswerHeader
    const { contexts, parts } = batch
    this.times.add(contexts, ms)
    this.lastEnd = performance.now()
    this.lastRequests = parts.length
    this.pump() // the process computes while the answers are passed on
    this.observe({ type: 'batch', contexts, requests: parts.length, context: parts[0]!.work.context, inferenceMs: ms })
    let at = 0
    for (const [i, { work, from, count }] of parts.entries()) {
      work.receive(from, count, answer, at, i) // after its deadline too: a session must know that it was fed
      at += count
      work.left -= count
      if (work.left > 0 || !this.live.has(work)) continue
      this.forget(work)
      // steps of a rollout and of a session wait for their own predecessors
      if (work.accepted !== true && work.key === undefined) this.lag.add(performance.now() - work.asked - work.expected)
      work.done()
    }
  }
}
