import { jsonText } from '../../show.js'

/** A request that the server answered: one line of the log of `serve --log`. */
export interface ServedRecord {
  readonly version: 1
  readonly type: 'served'
  /** End of the request. Units: ISO 8601, UTC */
  readonly time: string
  readonly request_id: string
  /** Id of the client, from which the arm is chosen; null when the request named none. */
  readonly client: string | null
  /** Name of the run that answered, as in --split: the arm. */
  readonly model: string
  /** SHA-256 of its weight file. */
  readonly weights: string
  /** Last part of the path: predict, retrieve, rollout, infer. */
  readonly route: string
  /** Weights of --split when the arm was chosen by it; null when the request chose its model or there is no split. */
  readonly split: Readonly<Record<string, number>> | null
  /** Asked number of rows; null for routes that search nothing. */
  readonly k: number | null
  /** For each context of the request the rows found, the nearest first; null for routes that search nothing. */
  readonly rows: readonly (readonly number[])[] | null
  /** Time from the arrival of the request to its answer. Units: ms */
  readonly ms: number
}

/** What a client reported about an answer by `POST /v1/feedback`: one line of the same log. */
export interface FeedbackRecord {
  readonly version: 1
  readonly type: 'feedback'
  /** Units: ISO 8601, UTC */
  readonly time: string
  /** Id of the served request. */
  readonly request_id: string
  /** Index of the context in the request. */
  readonly context: number
  /** The row that was right, or that was clicked; a hit when the answer contains it. */
  readonly row: number | null
  /** Value of the answer, from 0 to 1; counts before `row`. */
  readonly reward: number | null
}

export type LogRecord = ServedRecord | FeedbackRecord

/** Writes one line of the log, with its line break. */
export const logLine = (record: LogRecord): string => `${jsonText(record)}\n`

/** Contexts of one request; a larger index is no feedback. */
export const MOST_CONTEXTS = 1 << 16

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1
const isSplit = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((weight) => typeof weight === 'number' && Number.isFinite(weight) && weight >= 0)
const optional = (value: unknown, check: (value: unknown) => boolean): boolean => (value ?? null) === null || check(value)
const isRows = (value: unknown): boolean =>
  Array.isArray(value) && value.every((rows) => Array.isArray(rows) && rows.every(isIndex))

/** Reads one line of the log; undefined when it is neither record. */
export function readRecord(line: string): LogRecord | undefined {
  let value: Partial<Record<string, unknown>>
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || value.version !== 1 || !isText(value.request_id)) return undefined
  const { row = null, reward = null, context = 0, client = null, split = null, k = null, rows = null } = value
  if (value.type === 'feedback') {
    if (
      !optional(row, isIndex) ||
      !optional(reward, isShare) ||
      !isIndex(context) ||
      context >= MOST_CONTEXTS ||
      (row === null && reward === null)
    )
      return undefined
    return { ...value, row, reward, context } as FeedbackRecord
  }
  if (value.type !== 'served' || !isText(value.model) || !isText(value.weights)) return undefined
  if (!optional(client, isText) || !optional(split, isSplit) || !optional(rows, isRows)) return undefined
  return { ...value, client, split, k, rows } as ServedRecord
}
