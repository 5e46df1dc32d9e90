import type { RequestListener, Server } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { LvmError } from '../../errors.js'
import { allowedMethods, notFound } from './allowed-methods.js'
import type { App, Core } from './core.js'
import { healthRoutes } from './health-routes.js'
import { modelRoutes } from './model-routes.js'
import { predictRoutes } from './predict-routes.js'
import { failureOf, PROBLEM, problemOf } from './problem.js'
import { requestId } from './request-id.js'
import { compileCheck } from './schemas.js'
import { sessionRoutes } from './session-routes.js'
import { answerSocket } from './socket-errors.js'

/** Paths that need no key: probes, and the description of the interface. */
const OPEN = /^\/(livez|readyz|openapi\.json|v2\/health\/(live|ready)|docs(\/.*)?)$/

/** Seconds after which a client may try again, by code. */
const RETRY: Readonly<Record<string, number>> = { OVERLOADED: 1, UNAVAILABLE: 1 }

/** Sends any error as a problem, and notes its code. */
function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, core: Core): FastifyReply {
  const failure = failureOf(thrown)
  const { code } = failure.error
  request.code = code
  if (failure.status === 500) {
    const { message, stack } = failure.error
    core.tell({
      type: 'problem',
      version: 1,
      request_id: request.id,
      code,
      message: code === 'INTERNAL' ? (stack ?? message) : message,
    })
  }
  if (RETRY[code] !== undefined) reply.header('retry-after', RETRY[code])
  if (code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer')
  const [path] = request.url.split('?', 1)
  return reply
    .code(failure.status)
    .type(PROBLEM)
    .send(JSON.stringify(problemOf(failure, request.id, path)))
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

/** Version of the interface; that of the package is in the manifest of every run. */
const VERSION = '1'
const MOST_HEADERS = 100

function hooks(app: App, core: Core): void {
  app.decorateRequest('choice', null).decorateRequest('code', null)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY).header('x-request-id', request.id)
    const path = request.url.split('?', 1)[0]!
    if (!path.startsWith('/docs')) reply.header('content-security-policy', POLICY)
    core.inFlight++
    reply.raw.once('close', () => core.inFlight--)
    if (request.raw.rawHeaders.length > 2 * MOST_HEADERS)
      throw Object.assign(new Error(`expected at most ${MOST_HEADERS} headers`), { statusCode: 431 })
    if (core.keys && !OPEN.test(path) && !core.keys.accepts(request.headers.authorization))
      throw new LvmError('UNAUTHORIZED', 'request: expected a valid key in the header Authorization')
  })
  app.addHook('onSend', async (_request, reply) => {
    if (core.draining) reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? null
    core.metrics.answered(route ?? 'none', reply.statusCode, request.code, reply.elapsedTime / 1000)
    core.tell({
      type: 'request',
      version: 1,
      time: new Date().toISOString(),
      request_id: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
      code: request.code as never,
      model: request.choice?.served.engine.run.name ?? null,
      ms: Math.round(reply.elapsedTime * 1000) / 1000,
    })
  })
}

/** Bytes of one number in JSON, with its comma. */
const NUMBER = 24

/** Bytes of a body: those of --max-body, otherwise enough for --max-batch contexts in JSON, from 1 to 64 MB. */
function bodyLimit({ settings: { maxBody, maxBatch }, models }: Core): number {
  const context = Math.max(...models.list().map(({ engine: { run } }) => run.context * run.dim))
  return maxBody ?? Math.min(64e6, Math.max(1e6, NUMBER * maxBatch * context))
}

/** Makes the HTTP side of a server, without listening. */
export async function makeApp(core: Core, serverFactory: (listener: RequestListener) => Server): Promise<App> {
  const app: App = Fastify({
    logger: false,
    bodyLimit: bodyLimit(core),
    genReqId: requestId,
    requestIdHeader: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    serverFactory: serverFactory as never,
    clientErrorHandler: (error, socket) => answerSocket(error, socket, core),
    frameworkErrors: (error, request, reply) => void sendProblem(error, request as never, reply as never, core),
  })
  app.setValidatorCompiler(compileCheck as never)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler((error, request, reply) => sendProblem(error, request as never, reply as never, core))
  const methods = allowedMethods(app)
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      notFound(request as never, reply as never, methods(request.url.split('?', 1)[0]!)),
      request as never,
      reply as never,
      core,
    ),
  )
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  hooks(app, core)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'lvm-torch', description: 'Predicts the next sentence vector.', version: VERSION },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      ...(core.keys ? { security: [{ key: [] }] } : {}),
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  await app.register(async (inner) => {
    for (const add of [predictRoutes, sessionRoutes, modelRoutes, healthRoutes]) add(inner as never, core)
    inner.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  })
  return app
}
