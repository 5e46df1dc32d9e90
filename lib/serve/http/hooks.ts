import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, LvmError } from '../../errors.js'
import { logLine } from '../../study/abtest/served-log.js'
import { type App, type Core, remember } from './core.js'
import { checkMessage } from './message-checks.js'
import { failureOf, PROBLEM, problemOf } from './problem.js'
import { saneName } from './request-id.js'
import { awaitTurn } from './request-turns.js'

/** Path of a URL, without its query. */
export const pathOf = (url: string): string => url.split('?', 1)[0]!

/** Sends any error as a problem, and notes its code. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, core: Core): FastifyReply {
  const failure = failureOf(thrown)
  const { code, message, stack } = failure.error
  request.code = code
  if (failure.status === 500)
    core.tell({
      type: 'problem',
      version: 1,
      request_id: request.id,
      code,
      message: code === 'INTERNAL' ? (stack ?? message) : message,
    })
  if (code === 'OVERLOADED' || code === 'UNAVAILABLE')
    reply.header('retry-after', Math.max(1, Math.ceil(request.choice?.served.engine.gauges.retryAfter ?? 1)))
  if (code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer')
  const path = pathOf(request.url)
  const problem = problemOf(failure, request.id, path)
  const body = path.startsWith('/v2') ? { ...problem, error: problem.detail } : problem // KServe clients read `error`
  return reply
    .code(failure.status)
    .type(PROBLEM)
    .send(Buffer.from(JSON.stringify(body))) // as bytes, because Fastify adds a charset to text
}

/** Headers of every answer. */
const SECURITY = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
const POLICY = "default-src 'none'; frame-ancestors 'none'"
/** Policy of the page at /docs, which comes with its own scripts and styles. */
const DOCS_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"

/** Paths that need no key: probes, and the description of the interface. */
const OPEN = /^\/(livez|readyz|openapi\.json|v2\/health\/(live|ready)|docs(\/.*)?)$/

/** Routes whose answers are written to the log, and whose requests are refused before their body is read when the queue is full. */
const QUEUED = /\/(predict|retrieve|rollout|infer)$/

/** Writes an answer to the log. */
function log(request: FastifyRequest, reply: FastifyReply, core: Core): void {
  const { choice, found, id } = request
  const [, route] = QUEUED.exec(request.routeOptions.url ?? '') ?? []
  if (core.log === undefined || choice === null || route === undefined || reply.statusCode !== 200) return
  const { name: model, weights } = choice.served.engine.run
  void core.log.append(
    logLine({
      version: 1,
      type: 'served',
      time: new Date().toISOString(),
      request_id: id,
      client: saneName(request.headers['x-client-id']) ?? null,
      model,
      weights,
      route,
      split: choice.split,
      k: found?.k ?? null,
      rows: found?.rows ?? null,
      ms: Math.round(reply.elapsedTime * 1000) / 1000,
    }),
  )
}

/** Counts, logs and tells of an answer. */
function note(request: FastifyRequest, reply: FastifyReply, core: Core): void {
  const route = request.routeOptions.url ?? null
  core.metrics.answered(route ?? 'none', reply.statusCode, request.code, reply.elapsedTime / 1000)
  log(request, reply, core)
  core.tell({
    type: 'request',
    version: 1,
    time: new Date().toISOString(),
    request_id: request.id,
    method: request.method,
    route,
    status: reply.statusCode,
    code: request.code as ErrorCode | null,
    model: request.choice?.served.engine.run.name ?? null,
    ms: Math.round(reply.elapsedTime * 1000) / 1000,
  })
}

/** Refuses a request that has no room in the queue of the only run: reading the bodies of refused requests would delay the accepted ones. */
function requireRoom(request: FastifyRequest, reply: FastifyReply, core: Core): void {
  const [served, ...others] = core.models.list()
  if (served === undefined || others.length > 0) return // the body may name one of several runs
  try {
    served.engine.requireRoom()
  } catch (error) {
    remember(request, reply, { served, split: null })
    throw error
  }
}

/** Adds what happens to every request: headers, keys, counts and logs. */
export function addHooks(app: App, core: Core): void {
  app.decorateRequest('choice', null).decorateRequest('code', null).decorateRequest('found', null)
  app.addHook('onRequest', async (request, reply) => {
    if (!(await awaitTurn(request.raw.socket, reply.raw))) throw new LvmError('INTERRUPTED', 'request: its connection has ended')
    core.inFlight++
    reply.raw.once('close', () => core.inFlight--)
    const path = pathOf(request.url)
    reply.headers(SECURITY).header('x-request-id', request.id)
    reply.header('content-security-policy', path.startsWith('/docs') ? DOCS_POLICY : POLICY)
    checkMessage(request.raw)
    if (core.keys && !OPEN.test(path) && !core.keys.accepts(request.headers.authorization))
      throw new LvmError('UNAUTHORIZED', 'request: expected a valid key in the header Authorization')
    if (request.method === 'POST' && QUEUED.test(request.routeOptions.url ?? '')) requireRoom(request, reply, core)
  })
  app.addHook('preValidation', async ({ body, routeOptions }) => {
    // Fastify checks a body that may come in several types only when it has one
    if (body === undefined && (routeOptions.schema?.body as { content?: unknown } | undefined)?.content !== undefined)
      throw new LvmError('BAD_REQUEST', 'request: expected a body but received none')
  })
  app.addHook('onSend', async (_request, reply) => {
    if (core.draining) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => note(request, reply, core))
}
