import { LvmError } from '../../errors.js'
import { type Static, Type } from '../../packages/typebox.js'
import { count } from '../../show.js'
import { type App, askedBy, type Core, chooseFor } from './core.js'
import {
  contextBytes,
  contextHeaders,
  contextsSchema as contexts,
  header,
  integerOf,
  keysOf,
  readContexts,
  sendVectors,
  vectorAnswers,
} from './request-contexts.js'
import { either, exactly, modelName } from './schemas.js'

const MOST_STEPS = 1000

/** Bytes of a number in a binary answer, and most of them in a JSON answer. */
const [BYTES, CHARACTERS] = [4, 24]
const LONGEST_ANSWER = 64e6

/** Errors: TOO_LARGE. */
function requireShort(bytes: number): void {
  if (bytes > LONGEST_ANSWER)
    throw new LvmError('TOO_LARGE', `request: its answer could have ${count(bytes)} bytes, more than ${count(LONGEST_ANSWER)}`, {
      hint: 'ask for fewer steps or contexts, or send application/octet-stream, whose answers are shorter',
    })
}

const predictBody = exactly({ contexts, model: modelName })
const rolloutBody = exactly({
  contexts,
  steps: Type.Integer({ minimum: 1, maximum: MOST_STEPS, description: 'Vectors to predict; each is fed back as input' }),
  model: modelName,
})

const predictSchema = {
  tags: ['Predictions'],
  summary: 'Predict the next vector of each context',
  headers: contextHeaders({}),
  body: either(predictBody, contextBytes),
  response: vectorAnswers(['batch', 'dim'], 'One unit vector for each context'),
}
const rolloutSchema = {
  tags: ['Predictions'],
  summary: 'Predict several vectors after each context, feeding each back as input',
  headers: contextHeaders({ 'x-steps': header('Vectors to predict, with a binary body') }),
  body: either(rolloutBody, contextBytes),
  response: vectorAnswers(['batch', 'steps', 'dim'], 'Unit vectors, one for each step of each context'),
}

export function predictRoutes(app: App, core: Core): void {
  app.post('/v1/predict', { schema: predictSchema }, async (request, reply) => {
    const choice = chooseFor(request, reply, core, keysOf<Static<typeof predictBody>>(request).model)
    const x = readContexts(request, choice, core)
    const { engine } = choice.served
    return sendVectors(request, reply, await engine.predict(x, askedBy(request, reply, core)), [x.batch, engine.run.dim])
  })
  app.post('/v1/rollout', { schema: rolloutSchema }, async (request, reply) => {
    const keys = keysOf<Static<typeof rolloutBody>>(request)
    const choice = chooseFor(request, reply, core, keys.model)
    const x = readContexts(request, choice, core)
    const steps = keys.steps ?? integerOf(request, 'x-steps', MOST_STEPS)
    if (steps === undefined) throw new LvmError('BAD_REQUEST', 'request: expected the header X-Steps with a binary body')
    const { engine } = choice.served
    requireShort(x.batch * steps * engine.run.dim * (Buffer.isBuffer(request.body) ? BYTES : CHARACTERS))
    const y = await engine.rollout(x, steps, askedBy(request, reply, core))
    return sendVectors(request, reply, y, [x.batch, steps, engine.run.dim])
  })
}
