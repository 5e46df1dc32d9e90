import { ClientSums } from './client-sums.js'
import { IdTable } from './id-table.js'
import type { ServedRecord } from './served-log.js'

/** Lines of a log that count for nothing, and why. */
export interface LogFaults {
  /** Lines that are no record. */
  garbage: number
  /** A last line without its line break, if it is no record. */
  half_written: number
  /** Served records with the id of an earlier one. */
  duplicate_served: number
  /** Feedback on a context that has feedback already; the first counts. */
  duplicate_feedback: number
  /** Feedback on a request that is not in the log. */
  unmatched_feedback: number
  /** Feedback with a row on an answer without rows. */
  unjudged_feedback: number
  /** Requests that chose their model, or a server without --split. */
  not_assigned: number
}

/** Requests before the last change of the weights of an arm, or of --split. */
export interface LeftOut {
  readonly requests: number
  readonly changes: number
  /** What changed last. */
  readonly changed: string
}

/** Requests between two changes: one split, and one weight file for each arm. */
interface Period {
  readonly split: Readonly<Record<string, number>> | null
  /** Names of arms; the index is that of the sums. */
  readonly arms: string[]
  /** SHA-256 of the weight file, assigned clients, requests and contexts by arm; a client counts where it was seen first. */
  readonly weights: string[]
  readonly assigned: number[]
  readonly requests: number[]
  readonly contexts: number[]
  /** Clients that were served by more than one arm. */
  readonly crossed: number
  readonly rewards: ClientSums
  /** Whether a context has feedback: 1 or 0. */
  readonly answered: ClientSums
  readonly first: string | null
  readonly last: string | null
}

/** Everything that is kept of a log; memory grows with clients and ids, not with lines. */
export interface LogTally extends Writable<Period> {
  readonly faults: LogFaults
  lines: number
  leftOut: LeftOut | null
}
type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

const emptyPeriod = (): Period => ({
  split: null,
  arms: [],
  weights: [],
  assigned: [],
  requests: [],
  contexts: [],
  crossed: 0,
  rewards: new ClientSums(),
  answered: new ClientSums(),
  first: null,
  last: null,
})

/** Whether a request without feedback counts. */
export type Missing = 'skip' | 'zero'

/** Feedback by context: a reward as it is, a row r as −1 − r; `depth` is the number of contexts of a request up to the last one with feedback. */
export interface Feedback {
  readonly given: IdTable
  readonly depth: IdTable
}

/** Key of one context of a request. */
export const keyOf = (id: string, context: number): string => (context === 0 ? id : `${id} ${context}`)

/**
 * Adds the assigned requests of a log to a tally.
 *
 * A change of weights or split begins a new tally: shares of arms and rewards that change together would make equal arms differ.
 */
export class LogReader {
  readonly tally: LogTally = {
    faults: {
      garbage: 0,
      half_written: 0,
      duplicate_served: 0,
      duplicate_feedback: 0,
      unmatched_feedback: 0,
      unjudged_feedback: 0,
      not_assigned: 0,
    },
    lines: 0,
    leftOut: null,
    ...emptyPeriod(),
  }
  readonly #served = new IdTable()
  /** Number of each client, and the arm that served it first. */
  #clients = new IdTable()
  #firstArm = new IdTable()
  /** Contexts whose feedback was found. */
  matched = 0
  constructor(
    readonly feedback: Feedback,
    readonly missing: Missing,
  ) {}

  add(record: ServedRecord): void {
    const { tally } = this
    if (!this.#served.set(record.request_id, 1)) {
      tally.faults.duplicate_served++
      return
    }
    const depth = this.feedback.depth.get(record.request_id) ?? 0
    if (record.split === null || !Object.hasOwn(record.split, record.model)) {
      tally.faults.not_assigned++
      this.#skip(record, depth)
      return
    }
    const changed = this.#changeBy(record)
    if (changed !== undefined) this.#beginPeriod(changed)
    tally.split = record.split
    tally.first ??= record.time
    tally.last = record.time
    const arm = this.#arm(record)
    const client = this.#client(record, arm)
    tally.requests[arm]! += 1
    const contexts = record.rows?.length ?? Math.max(1, depth)
    for (let context = 0; context < contexts; context++) this.#addContext(record, arm, client, context)
  }

  #skip({ request_id }: ServedRecord, depth: number): void {
    for (let context = 0; context < depth; context++)
      if (this.feedback.given.get(keyOf(request_id, context)) !== undefined) this.matched++
  }

  #changeBy({ split, model, weights }: ServedRecord): string | undefined {
    const { tally } = this
    if (tally.split !== null && JSON.stringify(tally.split) !== JSON.stringify(split)) return '--split'
    const arm = tally.arms.indexOf(model)
    return arm >= 0 && tally.weights[arm] !== weights ? `the weights of ${model}` : undefined
  }

  #beginPeriod(changed: string): void {
    const { tally } = this
    const { requests = 0, changes = 0 } = tally.leftOut ?? {}
    tally.leftOut = { requests: tally.requests.reduce((a, b) => a + b, requests), changes: changes + 1, changed }
    Object.assign(tally, emptyPeriod())
    this.#clients = new IdTable()
    this.#firstArm = new IdTable()
  }

  #arm({ model, weights }: ServedRecord): number {
    const { tally } = this
    const known = tally.arms.indexOf(model)
    if (known >= 0) return known
    tally.weights.push(weights)
    for (const counts of [tally.assigned, tally.requests, tally.contexts]) counts.push(0)
    return tally.arms.push(model) - 1
  }

  /** Number of the client; a request without one is its own client. */
  #client({ client, request_id }: ServedRecord, arm: number): number {
    const { tally } = this
    const id = client === null ? `request ${request_id}` : `client ${client}`
    const known = this.#clients.get(id)
    if (known !== undefined) {
      const first = this.#firstArm.get(id)!
      if (first !== arm && first >= 0) {
        tally.crossed++
        this.#firstArm.set(id, -1) // counted once
      }
      return known
    }
    const number = this.#clients.size
    this.#clients.set(id, number)
    this.#firstArm.set(id, arm)
    tally.assigned[arm]! += 1
    return number
  }

  #addContext(record: ServedRecord, arm: number, client: number, context: number): void {
    const { tally } = this
    tally.contexts[arm]! += 1
    const given = this.feedback.given.get(keyOf(record.request_id, context))
    if (given !== undefined) this.matched++
    const rows = record.rows?.[context]
    if (given !== undefined && given < 0 && rows === undefined) {
      tally.faults.unjudged_feedback++
      return
    }
    tally.answered.add(arm, client, Number(given !== undefined))
    if (given === undefined && this.missing === 'skip') return
    tally.rewards.add(arm, client, given === undefined ? 0 : given >= 0 ? given : Number(rows!.includes(-1 - given)))
  }
}
