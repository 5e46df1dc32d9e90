import type { RequestListener, Server } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { fastify, swagger } from '../../packages/fastify.js'
import { allowedMethods, notFound } from './allowed-methods.js'
import type { App, Core } from './core.js'
import { docsPage } from './docs-page.js'
import { healthRoutes } from './health-routes.js'
import { addHooks, pathOf, sendProblem } from './hooks.js'
import { parseJson } from './json-body.js'
import { kserveRoutes } from './kserve-routes.js'
import { modelRoutes } from './model-routes.js'
import { predictRoutes } from './predict-routes.js'
import { requestId } from './request-id.js'
import { retrieveRoutes } from './retrieve-routes.js'
import { compileCheck, JSON_TYPE } from './schemas.js'
import { sessionRoutes } from './session-routes.js'
import { answerSocket } from './socket-errors.js'

/** Version of the interface; that of the package is in the manifest of every run. */
const VERSION = '1'
/** Characters of a run's name or of a session's id in a path, which their schemas check. */
const LONGEST_PARAM = 256
/** Bytes of one number in JSON, with its comma. */
const NUMBER = 24

/** Bytes of a body: those of --max-body, otherwise enough for --max-batch contexts in JSON, from 1 to 64 MB. */
function bodyLimit({ settings: { maxBody, maxBatch }, models }: Core): number {
  const context = Math.max(...models.list().map(({ engine: { run } }) => run.context * run.dim))
  return maxBody ?? Math.min(64e6, Math.max(1e6, NUMBER * maxBatch * context))
}

/** Describes the interface as OpenAPI 3.1, and shows it as a page. */
async function addDocs(app: App, isKeyed: boolean): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'lvm-torch', description: 'Predicts the next sentence vector.', version: VERSION },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      ...(isKeyed ? { security: [{ key: [] }] } : {}),
    },
  })
  docsPage(app)
  let text: Buffer | undefined
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    text ??= Buffer.from(JSON.stringify(app.swagger())) // complete once all routes are added
    return reply.type(JSON_TYPE).send(text)
  })
}

const ROUTES = [predictRoutes, retrieveRoutes, sessionRoutes, modelRoutes, kserveRoutes, healthRoutes]

/** Makes the HTTP side of a server, without listening. */
export async function makeApp(core: Core, serverFactory: (listener: RequestListener) => Server): Promise<App> {
  const app: App = fastify({
    logger: false,
    bodyLimit: bodyLimit(core),
    routerOptions: { maxParamLength: LONGEST_PARAM },
    genReqId: requestId,
    requestIdHeader: false,
    exposeHeadRoutes: true,
    return503OnClosing: false,
    serverFactory: serverFactory as never,
    clientErrorHandler: (error, socket) => answerSocket(error, socket, core),
    frameworkErrors: (error, request, reply) => void sendProblem(error, request as never, reply as never, core),
  })
  app.setValidatorCompiler(compileCheck as never)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler((error, request, reply) => sendProblem(error, request as never, reply as never, core))
  const methods = allowedMethods(app)
  app.removeContentTypeParser('text/plain')
  parseJson(app)
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.server.on('connect', (_request, socket) => answerSocket(new Error('CONNECT'), socket as never, core))
  app.server.on('drop', () => core.metrics.dropped())
  addHooks(app, core)
  const noPath = (request: FastifyRequest, reply: FastifyReply) => notFound(request, reply, methods(pathOf(request.url)))
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) throw noPath(request as never, reply as never) // before its body is read
  })
  app.setNotFoundHandler((request, reply) => {
    throw noPath(request as never, reply as never) // a file that /docs does not have
  })
  await addDocs(app, core.keys !== undefined)
  await app.register(async (inner) => {
    for (const add of ROUTES) add(inner as never, core)
  })
  return app
}
