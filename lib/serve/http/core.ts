import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import { LvmError, shown } from '../../errors.js'
import type { Asked } from '../engine-types.js'
import type { ServeEvent } from '../serve-events.js'
import type { ServeSettings } from '../serve-fields.js'
import type { ApiKeys } from './api-keys.js'
import type { LineLog } from './line-log.js'
import { saneName } from './request-id.js'
import type { ServeMetrics } from './serve-metrics.js'
import type { Choice, ServedModels } from './served-models.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The run that answers; null before it is chosen. */
    choice: Choice | null
    /** What a retrieval found, for the log. */
    found: { readonly k: number; readonly rows: number[][] } | null
    /** Code of the error that was answered. */
    code: string | null
  }
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What all routes of a server share. */
export interface Core {
  readonly settings: ServeSettings
  readonly models: ServedModels
  readonly metrics: ServeMetrics
  keys: ApiKeys | undefined
  readonly log: LineLog | undefined
  readonly tell: (event: ServeEvent) => void
  /** Set by SIGTERM: /readyz answers 503, and connections are closed after their answer. */
  draining: boolean
  /** Requests whose headers have arrived and whose answer is not sent. */
  inFlight: number
}

/** Reads the time limit of a request. Units: ms. Errors: BAD_REQUEST. */
function limitOf(header: unknown, { deadline }: ServeSettings): number {
  if (header === undefined) return deadline * 1000
  if (typeof header === 'string' && /^[1-9]\d{0,8}$/.test(header)) return Math.min(Number(header), deadline * 1000)
  throw new LvmError('BAD_REQUEST', `request: expected an integer ≥ 1 for "X-Deadline-Ms" but received ${shown(header)}`)
}

/** Deadline of a request, counted from its first byte, and a signal that aborts when its client leaves. */
export function askedBy(request: FastifyRequest, reply: FastifyReply, core: Core): Asked {
  const limit = limitOf(request.headers['x-deadline-ms'], core.settings)
  const controller = new AbortController()
  const { raw } = reply
  raw.once('close', () => raw.writableFinished || controller.abort())
  const since = performance.now() - reply.elapsedTime
  return { since, deadline: since + limit, signal: controller.signal }
}

/** Name that splits clients: X-Client-Id, otherwise the id of the request. */
export const clientOf = (request: FastifyRequest): string => saneName(request.headers['x-client-id']) ?? request.id

/** Chooses the run for a request by its body, its header X-Model or the split, and names it in the answer. Errors: NOT_FOUND, BAD_REQUEST. */
export function chooseFor(request: FastifyRequest, reply: FastifyReply, core: Core, named?: string): Choice {
  const header = request.headers['x-model']
  const name = named ?? (typeof header === 'string' ? header : undefined)
  if (named !== undefined && header !== undefined && named !== header)
    throw new LvmError('BAD_REQUEST', `request: "model" is ${shown(named)}, but the header X-Model is ${shown(header)}`)
  return remember(request, reply, core.models.choose(name, clientOf(request)))
}

/** Notes the run of a request for its log line, and names it in the answer. */
export function remember(request: FastifyRequest, reply: FastifyReply, choice: Choice): Choice {
  request.choice = choice
  reply.header('x-model', choice.served.engine.run.name)
  return choice
}
