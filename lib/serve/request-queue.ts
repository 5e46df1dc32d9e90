import type { Frame } from './frames.js'

/** One request, or one session step, of which parts are sent in batches. */
export interface Work {
  readonly kind: number
  /** Only works of one kind and context length share a batch. */
  readonly context: number
  /** Contexts that count in a batch. */
  readonly size: number
  /** Two works with one key never share a batch. */
  readonly key?: string
  /** It is sent in one batch or not at all. */
  readonly whole?: boolean
  readonly deadline: number
  /** Time of its arrival. Units: ms */
  readonly since: number
  /** Describes `count` contexts from `from` on. */
  item(from: number, count: number): unknown
  /** Their vectors. */
  vectors(from: number, count: number): readonly Float32Array[]
  /** Receives the answer for them: item `index` of a batch, whose contexts begin at `at`. */
  receive(from: number, count: number, answer: Frame, at: number, index: number): void
  /** Ends the work with an error. */
  fail(error: unknown): void
}
export interface Part<W> {
  readonly work: W
  readonly from: number
  readonly count: number
}

interface Waiting<W> {
  readonly work: W
  readonly from: number
  readonly turn: number
}

/** Works in order of arrival; one that is larger than a batch returns to the end after each batch, so that it does not delay others. */
export interface RequestQueue<W> {
  /** Contexts that wait. */
  readonly contexts: number
  push(work: W): void
  /** Takes up to `most` contexts of the oldest work and of those that can share its batch. */
  take(most: number): Part<W>[]
  remove(leaves: (work: W) => boolean): void
}

export function requestQueue<W extends Work>(): RequestQueue<W> {
  const buckets = new Map<string, Waiting<W>[]>()
  let contexts = 0
  let turn = 0
  const put = (waiting: Waiting<W>) => {
    const { kind, context } = waiting.work
    const bucket = buckets.get(`${kind}:${context}`)
    if (bucket === undefined) buckets.set(`${kind}:${context}`, [waiting])
    else bucket.push(waiting)
  }
  const oldest = (): [string, Waiting<W>[]] | undefined => {
    let found: [string, Waiting<W>[]] | undefined
    for (const entry of buckets) if (found === undefined || entry[1][0]!.turn < found[1][0]!.turn) found = entry
    return found
  }
  return {
    get contexts() {
      return contexts
    },
    push(work) {
      contexts += work.size
      put({ work, from: 0, turn: turn++ })
    },
    take(most) {
      const [name, bucket] = oldest() ?? ['', []]
      const parts: Part<W>[] = []
      const later: Waiting<W>[] = []
      const keys = new Set<string>()
      let room = most
      let seen = 0
      for (; seen < bucket.length && room > 0; seen++) {
        const waiting = bucket[seen]!
        const { work, from } = waiting
        const tooLarge = work.whole === true && work.size > room && parts.length > 0
        if (tooLarge || (work.key !== undefined && keys.has(work.key))) {
          later.push(waiting)
          continue
        }
        if (work.key !== undefined) keys.add(work.key)
        const count = work.whole === true ? work.size : Math.min(room, work.size - from)
        parts.push({ work, from, count })
        room -= count
      }
      bucket.splice(0, seen, ...later)
      const last = parts.at(-1)
      if (last !== undefined && last.from + last.count < last.work.size)
        bucket.push({ work: last.work, from: last.from + last.count, turn: turn++ })
      if (bucket.length === 0) buckets.delete(name)
      contexts -= most - room
      return parts
    },
    remove(leaves) {
      for (const [name, bucket] of buckets) {
        const kept = bucket.filter(({ work, from }) => {
          const leaving = leaves(work)
          if (leaving) contexts -= work.size - from
          return !leaving
        })
        if (kept.length === 0) buckets.delete(name)
        else if (kept.length < bucket.length) buckets.set(name, kept)
      }
    },
  }
}
