// One check of each kind of request that a served bundle answers.
import { fromBytes, toBytes } from './steady-load.mjs'

const JSON_TYPE = { 'content-type': 'application/json' }
const post = (url, body, headers = JSON_TYPE) => fetch(url, { method: 'POST', headers, body })
const rowsOf = (x, size) => Array.from({ length: x.length / size }, (_, i) => Array.from(x.subarray(i * size, (i + 1) * size)))
export const largestDifference = (a, b) =>
  a.length === b.length ? a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0) : Number.POSITIVE_INFINITY
const demand = (holds, sentence) => {
  if (!holds) throw new Error(sentence)
}

async function json(response, status) {
  const text = await response.text()
  demand(
    response.status === status,
    `expected status ${status} from ${response.url} but received ${response.status}: ${text.slice(0, 200)}`,
  )
  return JSON.parse(text)
}

/** JSON and binary answers are the same numbers, and those of the model in this process. */
export async function predictions({ url, contexts, shape, expected }) {
  const [batch, context, dim] = shape
  const lists = rowsOf(contexts, context * dim).map((one) => rowsOf(Float32Array.from(one), dim))
  const { predictions: rows } = await json(await post(`${url}/v1/predict`, JSON.stringify({ contexts: lists })), 200)
  const headers = { 'content-type': 'application/octet-stream', 'x-shape': shape.join(',') }
  const response = await post(`${url}/v1/predict`, toBytes(contexts), headers)
  demand(response.headers.get('x-shape') === `${batch},${dim}`, `expected X-Shape ${batch},${dim}`)
  const raw = fromBytes(Buffer.from(await response.arrayBuffer()))
  const [forms, process] = [largestDifference(Float32Array.from(rows.flat()), raw), largestDifference(raw, expected)]
  demand(forms === 0, `JSON and binary predictions differ by ${forms}`)
  demand(process < 1e-5, `predictions differ by ${process} from those of the model in this process`)
  return `JSON = binary; largest difference from the model in this process ${process}`
}

/** The rows found are those nearest to the prediction, with their texts. */
export async function retrieval({ url, contexts, shape, expected, bank, dim }) {
  const [, context] = shape
  const lists = [rowsOf(contexts.subarray(0, context * dim), dim)]
  const { results } = await json(await post(`${url}/v1/retrieve`, JSON.stringify({ contexts: lists, k: 3 })), 200)
  const query = expected.subarray(0, dim)
  const cosines = rowsOf(bank, dim).map((row) => row.reduce((sum, x, i) => sum + x * query[i], 0) / Math.hypot(...row))
  const best = cosines.indexOf(Math.max(...cosines))
  const [first] = results[0]
  demand(results[0].length === 3, `expected 3 rows but received ${results[0].length}`)
  demand(first.row === best, `expected row ${best} first but received ${first.row}`)
  demand(typeof first.text === 'string' && first.text !== '', 'expected the text of the row')
  return `nearest of ${cosines.length.toLocaleString('en-US')} rows found, cosine ${first.cosine.toFixed(4)}`
}

/** A session that is fed a context ends at the prediction of that context. */
export async function sessions({ url, contexts, shape, expected, dim }) {
  const [, context] = shape
  const { session } = await json(await post(`${url}/v1/sessions`, '{}'), 201)
  let last
  for (let t = 0; t < context; t++) {
    const vector = Array.from(contexts.subarray(t * dim, (t + 1) * dim))
    last = await json(await post(`${url}/v1/sessions/${session}`, JSON.stringify({ vector })), 200)
  }
  demand(last.position === context, `expected position ${context} but received ${last.position}`)
  const difference = largestDifference(Float32Array.from(last.prediction), expected.subarray(0, dim))
  demand(difference < 1e-5, `a session's prediction differs by ${difference}`)
  const ended = await fetch(`${url}/v1/sessions/${session}`, { method: 'DELETE' })
  demand(ended.ok, `expected to end the session but received ${ended.status}`)
  const gone = await post(`${url}/v1/sessions/${session}`, JSON.stringify({ vector: Array.from(contexts.subarray(0, dim)) }))
  demand([404, 410].includes(gone.status), `expected 404 or 410 for an ended session but received ${gone.status}`)
  return `${context} vectors fed; difference from the whole context ${difference}`
}

/** Wrong requests get a status, a code and a request id. */
export async function errors({ url, shape }) {
  const [, context, dim] = shape
  const vector = (x) => Array(dim).fill(x)
  const body = (contexts) => JSON.stringify({ contexts })
  const wrong = [
    [400, () => post(`${url}/v1/predict`, '{')],
    [400, () => post(`${url}/v1/predict`, body([[[1, 2]]]))],
    [422, () => post(`${url}/v1/predict`, body([Array(context).fill(vector(0))]))],
    [404, () => fetch(`${url}/v1/nothing`)],
    [415, () => post(`${url}/v1/predict`, 'x', { 'content-type': 'text/plain' })],
  ]
  const codes = []
  for (const [status, ask] of wrong) {
    const response = await ask()
    const problem = await json(response, status)
    demand(response.headers.get('content-type')?.startsWith('application/problem+json'), 'expected application/problem+json')
    demand(problem.code && problem.request_id, `expected a code and a request id but received ${JSON.stringify(problem)}`)
    codes.push(problem.code)
  }
  return codes.join(', ')
}

/** The figures of the requests above are in /metrics, and the probes answer. */
export async function metrics({ url }) {
  for (const path of ['/livez', '/readyz', '/openapi.json']) await json(await fetch(`${url}${path}`), 200)
  const text = await (await fetch(`${url}/metrics`)).text()
  const answered = /lvm_requests_total\{[^}]*route="\/v1\/predict",status="200"[^}]*\} (\d+)/.exec(text)?.[1]
  demand(Number(answered) >= 2, 'expected the predictions in lvm_requests_total')
  const names = new Set(Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name))
  return `${names.size} metrics; ${answered} predictions counted`
}
