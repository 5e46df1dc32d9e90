import type { ErrorCode } from '../error-codes.js'
import type { EngineEvent, ServedRun } from './engine-types.js'

/** What happens in a server, in the order in which it happens. Units: seconds, ms */
export type ServeEvent =
  | { readonly type: 'listening'; readonly url: string; readonly version: 1; readonly models: readonly ServedRun[] }
  | {
      readonly type: 'request'
      readonly version: 1
      readonly time: string
      readonly request_id: string
      readonly method: string
      /** Pattern of the path; null when no route matched. */
      readonly route: string | null
      readonly status: number
      readonly code: ErrorCode | null
      readonly model: string | null
      readonly ms: number
    }
  | {
      readonly type: 'problem'
      readonly version: 1
      readonly request_id: string
      readonly code: ErrorCode
      readonly message: string
    }
  | {
      readonly type: 'fault'
      readonly version: 1
      readonly model: string
      readonly exit: number | null
      readonly signal: string | null
      /** Why the server killed it; null if the server did not. */
      readonly reason: 'silent' | 'stuck' | null
      readonly lost: number
    }
  | { readonly type: 'restarted'; readonly version: 1; readonly model: string; readonly seconds: number }
  | { readonly type: 'reloading'; readonly version: 1 }
  | { readonly type: 'reloaded'; readonly version: 1; readonly models: readonly ServedRun[]; readonly seconds: number }
  | {
      readonly type: 'reload_failed'
      readonly version: 1
      readonly code: ErrorCode
      readonly message: string
      readonly hint: string
    }
  | { readonly type: 'warning'; readonly version: 1; readonly code: 'KEYS' | 'LOG' | 'INFERENCE'; readonly message: string }
  | { readonly type: 'draining'; readonly version: 1; readonly grace: number; readonly in_flight: number }
  | { readonly type: 'stopped'; readonly version: 1; readonly seconds: number; readonly lost: number }

/** Returns the event of the server for an event of an engine; undefined for those that are only counted. */
export function asServeEvent(event: EngineEvent, model: string): ServeEvent | undefined {
  if (event.type === 'fault') return { ...event, version: 1, model }
  if (event.type === 'warning') return { ...event, version: 1, code: 'INFERENCE' }
  return event.type === 'restarted' ? { ...event, version: 1, model } : undefined
}
