import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from '../packages/hdr-histogram.js'
import { BLOCKS } from './load-stage.js'

/** End of a request: its class, and for a failure its code with an example of the message. */
export type Outcome =
  | { readonly kind: 'answered' | 'rejected' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** Counts of one sending thread, in a form that crosses threads. */
export interface Counts {
  /** Histograms in microseconds, as compressed base64. */
  readonly latency: string
  readonly delay: string
  readonly sent: number
  readonly answered: number
  readonly rejected: number
  readonly good: number
  readonly errors: Readonly<Record<string, number>>
  readonly examples: Readonly<Record<string, string>>
  /** Answers, and answers above the limit, by block of time. */
  readonly blocks: { readonly answered: readonly number[]; readonly over: readonly number[] }
  readonly inFlightMost: number
  /** Share of the time in which the event loop of the thread was busy. */
  readonly busy: number
}

const histogram = () => build({ bitBucketSize: 32, numberOfSignificantValueDigits: 3, lowestDiscernibleValue: 1 })
const micro = (ms: number) => Math.max(0, Math.round(1000 * ms))

/** Counts requests by their intended start; those of the warm-up are not counted. */
export function tally(from: number, until: number, limit: number) {
  const [latency, delay] = [histogram(), histogram()]
  const errors: Record<string, number> = {}
  const examples: Record<string, string> = {}
  const blocks = { answered: new Array<number>(BLOCKS).fill(0), over: new Array<number>(BLOCKS).fill(0) }
  const counts = { sent: 0, answered: 0, rejected: 0, good: 0 }
  const end = (due: number, started: number, finished: number, outcome: Outcome): void => {
    if (due < from || due >= until) return
    const taken = finished - due
    counts.sent++
    delay.recordValue(micro(started - due))
    if (outcome.kind === 'failed') {
      errors[outcome.code] = (errors[outcome.code] ?? 0) + 1
      examples[outcome.code] ??= outcome.message
      return
    }
    if (outcome.kind === 'rejected') return void counts.rejected++
    const block = Math.min(BLOCKS - 1, Math.floor((BLOCKS * (due - from)) / (until - from)))
    counts.answered++
    blocks.answered[block]!++
    latency.recordValue(micro(taken))
    if (taken <= limit) counts.good++
    else blocks.over[block]!++
  }
  const result = (inFlightMost: number, busy: number): Counts => ({
    ...counts,
    latency: encodeIntoCompressedBase64(latency),
    delay: encodeIntoCompressedBase64(delay),
    errors,
    examples,
    blocks,
    inFlightMost,
    busy,
  })
  return { end, result }
}

/** Counts of all threads together. */
export interface Merged extends Omit<Counts, 'latency' | 'delay'> {
  readonly latency: Histogram
  readonly delay: Histogram
}

const summed = (parts: readonly Readonly<Record<string, number>>[]): Record<string, number> => {
  const all: Record<string, number> = {}
  for (const part of parts) for (const [key, n] of Object.entries(part)) all[key] = (all[key] ?? 0) + n
  return all
}
const added = (lists: readonly (readonly number[])[]) => lists[0]!.map((_, i) => lists.reduce((sum, list) => sum + list[i]!, 0))

/** Adds the counts of the sending threads. */
export function merged(parts: readonly Counts[]): Merged {
  const [latency, delay] = [histogram(), histogram()]
  for (const part of parts) {
    latency.add(decodeFromCompressedBase64(part.latency))
    delay.add(decodeFromCompressedBase64(part.delay))
  }
  const sum = (of: (part: Counts) => number) => parts.reduce((total, part) => total + of(part), 0)
  return {
    latency,
    delay,
    sent: sum((p) => p.sent),
    answered: sum((p) => p.answered),
    rejected: sum((p) => p.rejected),
    good: sum((p) => p.good),
    errors: summed(parts.map((p) => p.errors)),
    examples: Object.assign({}, ...parts.map((p) => p.examples)) as Record<string, string>,
    blocks: { answered: added(parts.map((p) => p.blocks.answered)), over: added(parts.map((p) => p.blocks.over)) },
    inFlightMost: sum((p) => p.inFlightMost),
    busy: Math.max(...parts.map((p) => p.busy)),
  }
}
