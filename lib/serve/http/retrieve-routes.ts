import { LvmError } from '../../errors.js'
import { type Static, Type } from '../../packages/typebox.js'
import { logLine, MOST_CONTEXTS } from '../../study/abtest/served-log.js'
import { type App, askedBy, type Core, chooseFor } from './core.js'
import {
  contextBytes,
  contextHeaders,
  contextsSchema as contexts,
  header,
  integerOf,
  integersOf,
  keysOf,
  readContexts,
} from './request-contexts.js'
import { answers, either, exactly, modelName } from './schemas.js'

const MOST_ROWS = 1000
/** Rows found for all contexts of a request. */
const MOST_FOUND = 100_000
const MOST_EXCLUDED = 100_000
const rowNumber = Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })

const retrieveBody = exactly({
  contexts,
  k: Type.Optional(
    Type.Integer({ minimum: 1, maximum: MOST_ROWS, default: 10, description: 'Rows of the bank to find for each context' }),
  ),
  exclude: Type.Optional(
    Type.Array(rowNumber, { maxItems: MOST_EXCLUDED, description: 'Rows that are not wanted, such as those of the contexts' }),
  ),
  model: modelName,
})
const found = Type.Object({
  row: Type.Integer(),
  cosine: Type.Number(),
  article: Type.Union([Type.String(), Type.Number(), Type.Null()]),
  text: Type.Union([Type.String(), Type.Null()]),
})
const retrieveSchema = {
  tags: ['Predictions'],
  summary: 'Predict the next vector of each context and find the nearest rows of the bank',
  headers: contextHeaders({
    'x-k': header('Rows to find, with a binary body'),
    'x-exclude': header('Rows that are not wanted, separated by commas, with a binary body'),
  }),
  body: either(retrieveBody, contextBytes),
  response: answers(
    Type.Object(
      { results: Type.Array(Type.Array(found)) },
      { description: 'For each context the rows found, the nearest first' },
    ),
  ),
}

const feedbackBody = exactly({
  request_id: Type.String({ minLength: 1, maxLength: 128, description: 'X-Request-Id of the answer' }),
  context: Type.Optional(
    Type.Integer({ minimum: 0, maximum: MOST_CONTEXTS - 1, default: 0, description: 'Index of the context' }),
  ),
  row: Type.Optional(rowNumber),
  reward: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Value of the answer; counts before row' })),
})
const feedbackSchema = {
  tags: ['Predictions'],
  summary: 'Report which row was right, or how good an answer was',
  description: 'Appended to the log, from which abtest compares the runs of a split; the answer comes after the write',
  body: feedbackBody,
  response: answers(Type.Null({ description: 'It is written to the log' }), 204),
}

export function retrieveRoutes(app: App, core: Core): void {
  app.post('/v1/retrieve', { schema: retrieveSchema }, async (request, reply) => {
    const keys = keysOf<Static<typeof retrieveBody>>(request)
    const choice = chooseFor(request, reply, core, keys.model)
    const { engine } = choice.served
    if (engine.run.bank === null)
      throw new LvmError('NOT_FOUND', `request: ${engine.run.name} is served without a bank`, {
        hint: 'start the server with --bank FILE',
      })
    const x = readContexts(request, choice, core)
    const k = keys.k ?? integerOf(request, 'x-k', MOST_ROWS) ?? 10
    if (k * x.batch > MOST_FOUND)
      throw new LvmError(
        'TOO_LARGE',
        `request: expected at most ${MOST_FOUND} rows for all contexts but received ${k * x.batch}`,
        {
          hint: 'ask for fewer rows, or send fewer contexts',
        },
      )
    const exclude = Int32Array.from(keys.exclude ?? integersOf(request, 'x-exclude') ?? [])
    const results = await engine.retrieve(x, { k, exclude }, askedBy(request, reply, core))
    request.found = { k, rows: results.map((rows) => rows.map(({ row }) => row)) }
    return { results }
  })
  app.post('/v1/feedback', { schema: feedbackSchema }, async (request, reply) => {
    if (core.log === undefined)
      throw new LvmError('NOT_FOUND', 'request: this server keeps no log', { hint: 'start the server with --log FILE' })
    const { request_id, context = 0, row = null, reward = null } = request.body
    if (row === null && reward === null)
      throw new LvmError('BAD_REQUEST', 'request: expected "row" or "reward" but received neither')
    const time = new Date().toISOString()
    if (!(await core.log.append(logLine({ version: 1, type: 'feedback', time, request_id, context, row, reward }))))
      throw new LvmError('UNAVAILABLE', 'request: the feedback could not be written to the log', {
        hint: 'send it again after the time in Retry-After; the events of the server have the cause',
      })
    return reply.code(204).send()
  })
}
