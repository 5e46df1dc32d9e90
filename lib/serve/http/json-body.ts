import type { FastifyRequest } from 'fastify'
import { LvmError } from '../../errors.js'
import type { App } from './core.js'

/** Objects, strings or lists beside those that hold vectors. */
const MOST = 10_000
/** Bytes of the shortest vector in a long body. */
const VECTOR = 32

/** Whether a byte occurs more than `most` times; far quicker than parsing where it is rare. */
function occursMore(body: Buffer, byte: string, most: number): boolean {
  let found = 0
  for (let at = body.indexOf(byte); at >= 0; at = body.indexOf(byte, at + 1)) if (++found > most) return true
  return false
}

/** Refuses JSON of millions of objects, keys or empty lists, which takes many times longer to parse than the vectors of a request. Errors: TOO_LARGE. */
function checkCrowd(body: Buffer): void {
  const lists = MOST + body.length / VECTOR
  if (occursMore(body, '{', MOST) || occursMore(body, '"', 2 * MOST) || occursMore(body, '[', lists))
    throw new LvmError('TOO_LARGE', 'request: expected vectors but its body has too many objects, texts or lists', {
      hint: 'send the keys that /docs of the server describes',
    })
}

/** Reads JSON bodies. */
export function parseJson(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    try {
      checkCrowd(body)
    } catch (error) {
      return done(error as Error)
    }
    return parse(request, body.toString(), done)
  })
}
