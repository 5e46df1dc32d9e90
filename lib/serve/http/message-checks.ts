import type { IncomingMessage } from 'node:http'
import { LvmError, shown } from '../../errors.js'

const MOST_HEADERS = 100

const bad = (sentence: string) => new LvmError('BAD_REQUEST', `request: ${sentence}`)

/** Checks what the parser of Node lets pass: versions, the header Host, framing of HTTP/1.0, and encodings that nobody decodes. Errors: BAD_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA. */
export function checkMessage({ httpVersion, rawHeaders, headers, headersDistinct }: IncomingMessage): void {
  if (rawHeaders.length > 2 * MOST_HEADERS)
    throw Object.assign(new Error(`expected at most ${MOST_HEADERS} headers`), { statusCode: 431 })
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw bad(`expected HTTP/1.1 but received HTTP/${httpVersion}`)
  const hosts = headersDistinct.host?.length ?? 0
  if (hosts > 1) throw bad(`expected the header Host once but received it ${hosts} times`)
  if (hosts === 0 && httpVersion === '1.1') throw bad('expected the header Host')
  if (httpVersion === '1.0' && headers['transfer-encoding'] !== undefined)
    throw bad('expected a Content-Length, because HTTP/1.0 has no Transfer-Encoding')
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new LvmError(
      'UNSUPPORTED_MEDIA',
      `request: expected a body without compression but received the Content-Encoding ${shown(encoding)}`,
      {
        hint: 'send the body as it is; application/octet-stream is the shortest form',
      },
    )
}
