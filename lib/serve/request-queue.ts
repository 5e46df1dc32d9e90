import type { Frame } from './frames.js'

/** Contexts of one kind and length, of which parts are sent in batches. */
export interface Work {
  readonly kind: number
  readonly context: number
  /** Number of contexts. */
  readonly size: number
  /** Two works with one key never share a batch. */
  readonly key?: string
  /** It is sent in one batch. */
  readonly whole?: boolean
  /** Describes `count` contexts from `from` on. */
  item(from: number, count: number): unknown
  /** Their vectors. */
  vectors(from: number, count: number): readonly Float32Array[]
  /** Takes the answer for them: item `index` of a batch, whose contexts begin at `at`. */
  receive(from: number, count: number, answer: Frame, at: number, index: number): void
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

/** Works in order of arrival. One that is larger than a batch returns to the end after each batch, so that it does not delay others. */
export class RequestQueue<W extends Work> {
  /** Contexts that wait. */
  contexts = 0
  private turn = 0
  private readonly buckets = new Map<string, Waiting<W>[]>()

  push(work: W): void {
    this.contexts += work.size
    const name = `${work.kind}:${work.context}`
    const waiting = { work, from: 0, turn: this.turn++ }
    const bucket = this.buckets.get(name)
    if (bucket === undefined) this.buckets.set(name, [waiting])
    else bucket.push(waiting)
  }
  /** Takes up to `most` contexts: those of the oldest work, and of others of its kind and length. */
  take(most: number): Part<W>[] {
    const [name, bucket] = this.oldest()
    const parts: Part<W>[] = []
    const later: Waiting<W>[] = []
    const keys = new Set<string>()
    let room = most
    let seen = 0
    for (; seen < bucket.length && room > 0; seen++) {
      const waiting = bucket[seen]!
      const { work, from } = waiting
      const fits = work.whole !== true || work.size <= room || parts.length === 0
      if (!fits || (work.key !== undefined && keys.has(work.key))) {
        later.push(waiting)
        continue
      }
      if (work.key !== undefined) keys.add(work.key)
      const count = work.whole === true ? work.size : Math.min(room, work.size - from)
      parts.push({ work, from, count })
      room -= count
    }
    bucket.splice(0, seen, ...later)
    const { work, from, count } = parts.at(-1)!
    if (from + count < work.size) bucket.push({ work, from: from + count, turn: this.turn++ })
    if (bucket.length === 0) this.buckets.delete(name)
    this.contexts -= most - room
    return parts
  }
  remove(leaves: (work: W) => boolean): void {
    for (const [name, bucket] of this.buckets) {
      const kept = bucket.filter(({ work, from }) => {
        const leaving = leaves(work)
        if (leaving) this.contexts -= work.size - from
        return !leaving
      })
      if (kept.length === 0) this.buckets.delete(name)
      else if (kept.length < bucket.length) this.buckets.set(name, kept)
    }
  }
  private oldest(): [string, Waiting<W>[]] {
    let found: [string, Waiting<W>[]] | undefined
    for (const entry of this.buckets) if (found === undefined || entry[1][0]!.turn < found[1][0]!.turn) found = entry
    return found!
  }
}
