import type { ErrorCode } from '../errors.js'
import type { Contexts } from '../spec/contexts.js'
import type { FoundRow } from '../study/next/found-rows.js'
import type { EngineOptions, ServedRun } from './engine-types.js'

/** Kinds of frames to the inference process. */
export const ASK = { open: 0, predict: 1, retrieve: 2, feed: 3, free: 4 } as const
/** Kinds of frames from the inference process; `memory` comes every second, a `warning` at any time. */
export const SAY = { ready: 0, answer: 1, error: 2, memory: 3, warning: 4 } as const

/** Options of the inference process. */
export type OpenHeader = Pick<
  EngineOptions,
  'run' | 'name' | 'bank' | 'space' | 'encoder' | 'device' | 'threads' | 'deterministic'
> & {
  /** Whether its sentences name options as flags. */
  readonly shell: boolean
}
/** Range of context lengths; no bound is null, because JSON has no Infinity. */
export interface JsonContexts {
  readonly shortest: number
  readonly longest: number | null
}
export type ReadyHeader = Omit<ServedRun, 'contexts' | 'trained'> & Record<'contexts' | 'trained', JsonContexts>
export const toJson = ({ shortest, longest }: Contexts): JsonContexts => ({
  shortest,
  longest: Number.isFinite(longest) ? longest : null,
})
export const fromJson = ({ shortest, longest }: JsonContexts): Contexts => ({ shortest, longest: longest ?? Infinity })

/** Contexts of one request in a batch. */
export interface PredictItem {
  readonly batch: number
}
export interface RetrieveItem extends PredictItem {
  readonly k: number
  readonly exclude: readonly number[]
}
/** Vectors to feed to one stepper, which is made at its first item. Shapes: payload [times, batch, dim] → [batch, dim]. */
export interface FeedItem extends PredictItem {
  readonly state: number
  readonly times: number
}
/** One batch; its payload holds the items in order. */
export interface BatchHeader<Item> {
  readonly context: number
  readonly items: readonly Item[]
}
/** Steppers to free. */
export interface FreeHeader {
  readonly states: readonly number[]
}

export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}
/** The payload of an answer holds the predictions of all contexts, or of none after `retrieve`. */
export interface AnswerHeader {
  readonly ms: number
  /** Rows found for each context, in order. */
  readonly found?: readonly (readonly FoundRow[])[]
  /** Feeds that failed, by item. */
  readonly failed?: Readonly<Record<number, Failure>>
}
export interface MemoryHeader {
  readonly bytes: number
  /** Processor time since the start of the process. */
  readonly cpuSeconds: number
}
/** A sentence that the inference process would otherwise print. */
export interface WarningHeader {
  readonly message: string
}
