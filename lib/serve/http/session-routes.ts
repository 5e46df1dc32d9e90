import { type Static, Type } from '../../packages/typebox.js'
import { type App, askedBy, type Core, chooseFor, remember } from './core.js'
import { oneVector, toBytes } from './read-vectors.js'
import { commonHeaders } from './request-contexts.js'
import { answers, BYTES_TYPE, bytes, either, exactly, JSON_TYPE, modelName, numbers } from './schemas.js'

const openBody = exactly({ model: modelName })
const feedBody = exactly({ vector: numbers(['dim'], 'The next vector of the text') })
const params = exactly({ session: Type.String({ maxLength: 200 }) })
const fed = Type.Object({ prediction: numbers(['dim'], 'The unit vector predicted next'), position: Type.Integer() })
const headers = Type.Object(commonHeaders)

const tags = ['Sessions']

const openSchema = {
  tags,
  summary: 'Open a session, which reads a text one vector at a time',
  headers,
  body: openBody,
  response: answers(Type.Object({ session: Type.String() }, { description: 'Id of the session' }), 201),
}
const feedSchema = {
  tags,
  summary: 'Feed one vector and predict the next',
  params,
  headers,
  body: either(feedBody, bytes('float32 values of one vector, little-endian')),
  response: answers({
    description: 'The prediction, and the number of vectors read',
    content: {
      [JSON_TYPE]: { schema: fed },
      [BYTES_TYPE]: { schema: bytes('float32 values; the header X-Position counts the vectors read') },
    },
  }),
}
const endSchema = {
  tags,
  summary: 'End a session',
  params,
  response: answers(Type.Null({ description: 'The session has ended' }), 204),
}

export function sessionRoutes(app: App, core: Core): void {
  const emptyBody = async (request: { body: unknown }) => {
    request.body ??= {}
  }
  app.post('/v1/sessions', { preValidation: emptyBody, schema: openSchema }, async (request, reply) => {
    const { served } = chooseFor(request, reply, core, request.body.model)
    const session = core.models.sessionName(served, await served.engine.openSession(askedBy(request, reply, core)))
    return reply.code(201).header('location', `/v1/sessions/${session}`).send({ session })
  })
  app.post('/v1/sessions/:session', { schema: feedSchema }, async (request, reply) => {
    const { served, session } = core.models.bySession(request.params.session)
    remember(request, reply, { served, split: null })
    const { body } = request
    const raw = Buffer.isBuffer(body)
    const vector = oneVector(raw ? body : (body as Static<typeof feedBody>).vector, served.engine.run)
    const { prediction, position } = await served.engine.feed(session, vector, askedBy(request, reply, core))
    if (!raw) return reply.send({ prediction: Array.from(prediction), position })
    const headers = { 'x-position': position, 'x-shape': prediction.length }
    return reply.headers(headers).type(BYTES_TYPE).send(toBytes(prediction))
  })
  app.delete('/v1/sessions/:session', { schema: endSchema }, async (request, reply) => {
    const { served, session } = core.models.bySession(request.params.session)
    remember(request, reply, { served, split: null })
    await served.engine.endSession(session)
    return reply.code(204).send()
  })
}
