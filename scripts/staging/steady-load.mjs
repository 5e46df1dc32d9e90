// Sends one request after the other over several connections, and remembers how each of them ended.
import { Pool } from 'undici'

/** Little-endian bytes of float32 values. */
export const toBytes = (x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength)
export const fromBytes = (bytes) => new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))

/** Whether a connection was refused: then the server has not accepted the request. */
const isRefused = (error) => ['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT'].includes(error.code ?? error.cause?.code)

/**
 * Starts clients that ask for predictions of `contexts` until `stop()`.
 *
 * `recognise` names the run that gave an answer, or returns undefined for a wrong one.
 */
export function steadyLoad(url, { contexts, shape, clients, recognise }) {
  const pool = new Pool(url, { connections: clients, pipelining: 1, bodyTimeout: 30_000, headersTimeout: 30_000 })
  const count = { answered: 0, by: {}, refused: 0, lost: 0, wrong: 0, statuses: {} }
  const errors = []
  let running = true
  const headers = { 'content-type': 'application/octet-stream', 'x-shape': shape.join(',') }
  const body = toBytes(contexts)
  const once = async () => {
    try {
      const answer = await pool.request({ method: 'POST', path: '/v1/predict', headers, body })
      const bytes = Buffer.from(await answer.body.arrayBuffer())
      count.statuses[answer.statusCode] = (count.statuses[answer.statusCode] ?? 0) + 1
      if (answer.statusCode !== 200) return
      const name = recognise(fromBytes(bytes))
      if (name === undefined) count.wrong++
      else count.by[name] = (count.by[name] ?? 0) + 1
      count.answered++
    } catch (error) {
      if (isRefused(error)) {
        count.refused++
        running = false
      } else {
        count.lost++
        errors.push(String(error.cause ?? error))
      }
    }
  }
  const begun = performance.now()
  const loops = Array.from({ length: clients }, async () => {
    while (running) await once()
  })
  return {
    count,
    errors,
    /** Sends no further requests. */
    halt() {
      running = false
    },
    async stop() {
      running = false
      await Promise.all(loops)
      await pool.destroy()
      return { ...count, seconds: (performance.now() - begun) / 1000, errors: errors.slice(0, 3) }
    },
  }
}
