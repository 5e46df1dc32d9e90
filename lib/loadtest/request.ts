import type { Dispatcher } from 'undici'
import type { Outcome } from './tally.js'

/** Form of a valid answer. */
export interface AnswerForm {
  readonly kind: 'bytes' | 'predictions' | 'results' | 'prediction'
  /** Elements of the answer: predictions, results, or 1. */
  readonly batch: number
  readonly dim: number
}

/** One request as it is sent. */
export interface Message {
  readonly path: string
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly headers: Record<string, string>
  readonly body: Uint8Array | null
}

/** Answer of a server. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

/** Whole answers of JSON are parsed only this often, because parsing would make the client the limit. */
const PARSED_EVERY = 64
let seen = 0

const isVector = (value: unknown, dim: number) =>
  Array.isArray(value) && value.length === dim && value.every((x) => Number.isFinite(x))

/** Whether an answer with status 200 has the expected form. */
export function isValid({ type, body }: Answer, form: AnswerForm, whole = seen++ % PARSED_EVERY === 0): boolean {
  if (form.kind === 'bytes') return type.startsWith('application/octet-stream') && body.length === form.batch * form.dim * 4
  if (!type.startsWith('application/json') || body[0] !== 0x7b) return false
  if (!whole) return body.length > form.batch
  try {
    const document = JSON.parse(body.toString()) as Record<string, unknown>
    if (form.kind === 'prediction') return isVector(document.prediction, form.dim)
    const list = document[form.kind]
    if (!Array.isArray(list) || list.length !== form.batch) return false
    return list.every((one) => (form.kind === 'results' ? Array.isArray(one) : isVector(one, form.dim)))
  } catch {
    return false
  }
}

/** Code and message of an answer that is an error: those of its problem document, else its status. */
export function problemOf({ status, type, body }: Answer): { code: string; message: string } {
  try {
    if (/json/.test(type)) {
      const { code, detail, title } = JSON.parse(body.toString()) as Record<string, unknown>
      if (typeof code === 'string') return { code, message: String(detail ?? title ?? code) }
    }
  } catch {} // not JSON, whatever its type says
  return { code: `HTTP_${status}`, message: `an answer with status ${status}` }
}

/** Classifies an answer. */
export function outcomeOf(answer: Answer, form: AnswerForm): Outcome {
  if (answer.status === 429) return { kind: 'rejected' }
  if (answer.status < 200 || answer.status > 299) return { kind: 'failed', ...problemOf(answer) }
  if (isValid(answer, form)) return { kind: 'answered' }
  return {
    kind: 'failed',
    code: 'BAD_ANSWER',
    message: `an answer of ${answer.body.length} bytes of ${answer.type || 'no type'}`,
  }
}

/** A request under way; `abort` ends it as failed. */
export interface Flight {
  abort(reason: Error): void
}

/** Sends a request and calls `done` once, with the answer or the error of the connection. */
export function send(pool: Dispatcher, message: Message, done: (answer: Answer | Error) => void): Flight {
  let ended: Error | undefined
  let controller: Dispatcher.DispatchController | undefined
  let [status, type] = [0, '']
  const chunks: Buffer[] = []
  const end = (answer: Answer | Error) => {
    if (ended) return
    ended = answer instanceof Error ? answer : new Error('answered')
    done(answer)
  }
  const { path, method, headers, body } = message
  pool.dispatch(
    { path, method, headers, body: body as Buffer | null, idempotent: false },
    {
      onRequestStart: (started) => {
        controller = started
        if (ended) started.abort(ended) // it was ended while it waited for a connection
      },
      onResponseStart: (_, code, fields) => {
        status = code
        type = String(fields['content-type'] ?? '')
      },
      onResponseData: (_, chunk) => void chunks.push(chunk),
      onResponseEnd: () => end({ status, type, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) }),
      onResponseError: (_, error) => end(error),
    },
  )
  return {
    abort: (reason) => {
      end(reason)
      controller?.abort(reason)
    },
  }
}
