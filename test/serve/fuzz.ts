import { Agent, request as ask } from 'node:http'
import { ERRORS } from '../../lib/errors.js'
import { exchange } from './client.js'

/** A pseudo-random generator. Source: mulberry32 */
export function generator(seed: number) {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  return { next, below, pick: <T>(list: readonly T[]): T => list[below(list.length)]! }
}
type Random = ReturnType<typeof generator>

interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly minimum?: number
  readonly const?: unknown
  readonly 'x-shape'?: readonly string[]
}
interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
/** Sizes of the run that is attacked. */
export interface Sizes {
  readonly context: number
  readonly dim: number
}

const deep = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown
const STRANGE: readonly unknown[] = [
  null, true, false, 0, -1, 1.5, 1e308, -1e308, 1e-308, 2 ** 53, '', 'x', '\0', '__proto__', 'é'.repeat(300), '1e400', [], {}, [[]], [[[]]],
  [[[null]]], { length: 5 }, { __proto__: null, constructor: { prototype: {} } }, deep(50), Array(1000).fill(0),
] // biome-ignore format: a list

/** A valid value for a schema, in which each part is replaced by a strange one now and then. */
function value(schema: Schema, random: Random, sizes: Sizes, key = ''): unknown {
  if (random.next() < 0.04) return random.pick(STRANGE)
  const axes = schema['x-shape']
  if (axes) return tensor(axes.length > 0 ? axes : ['batch', 'context', 'dim'], random, sizes)
  if (key === 'shape') return [1, sizes.context, sizes.dim]
  if (schema.const !== undefined) return schema.const
  if (schema.properties) {
    const entries = Object.entries(schema.properties).filter(() => random.next() > 0.15)
    if (random.next() < 0.03) entries.push([random.pick(['__proto__', 'constructor', 'x', 'Contexts']), {}])
    return Object.fromEntries(entries.map(([name, inner]) => [name, value(inner, random, sizes, name)]))
  }
  if (schema.type === 'array') return Array.from({ length: random.below(4) }, () => value(schema.items ?? {}, random, sizes))
  if (schema.type === 'integer') return (schema.minimum ?? 0) + random.below(5)
  if (schema.type === 'number') return random.next()
  return random.pick(['a', 'contexts', 'predictions', 'x'])
}

function tensor(axes: readonly string[], random: Random, { context, dim }: Sizes): unknown {
  const [axis, ...more] = axes
  const usual = axis === 'batch' ? 1 + random.below(3) : axis === 'context' ? context : dim
  const size = random.next() < 0.02 ? random.below(2 * usual) : usual
  if (more.length > 0) return Array.from({ length: size }, () => tensor(more, random, { context, dim }))
  const unit = Array.from({ length: size }, () => random.next() - 0.5)
  const length = Math.hypot(...unit)
  const vector: unknown[] = unit.map((x) => x / length)
  if (random.next() < 0.02) vector[random.below(size)] = random.pick(STRANGE)
  return vector
}

/** A tensor as bytes, with a strange number now and then. */
const binary = (random: Random, sizes: Sizes): Buffer => {
  const numbers = [tensor(['batch', 'context', 'dim'], random, sizes)]
    .flat(4)
    .map((x) => (typeof x === 'number' ? x : Number.NaN))
  return Buffer.from(Float32Array.from(numbers).buffer)
}

const HOSTILE: readonly ((random: Random) => string)[] = [
  () => 'GET / HTTP/9.9\r\n\r\n',
  (random) => `GET /${'%2e'.repeat(random.below(40))}/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  () => `GET /${'a'.repeat(65_536)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  (random) => `GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'a: b\r\n'.repeat(random.below(3000))}\r\n`,
  (random) => `POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${random.below(20)}\r\n\r\n{"contexts": []}${' '.repeat(9)}`,
  () => 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  () => 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  () => 'POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n0\r\n\r\n',
  (random) => Array.from({ length: 200 }, () => String.fromCharCode(random.below(256))).join(''),
  (random) => `GET /v1/${Array.from({ length: 9 }, () => String.fromCharCode(33 + random.below(90))).join('')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  () => `POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n${'['.repeat(10_000)}${']'.repeat(10_000)}`,
] // biome-ignore format: a list

const KNOWN = new Set(Object.keys(ERRORS))

/** Why an answer is wrong; undefined when it is right. */
function fault(status: number, type: string, body: string): string | undefined {
  if (status >= 200 && status < 300) return undefined
  if (status < 400 || (status >= 500 && status !== 503 && status !== 504)) return `status ${status}: ${body.slice(0, 300)}`
  if (!type.startsWith('application/problem+json')) return `status ${status} of type ${type}`
  const { code, request_id } = JSON.parse(body) as Record<string, string>
  return code !== undefined && KNOWN.has(code) && request_id ? undefined : `no code or id in ${body.slice(0, 300)}`
}

/** Sends `count` requests made from the description of the interface and by hand, and returns the wrong answers and the statuses. */
export async function fuzz(url: string, description: Description, sizes: Sizes, seed: number, count: number) {
  const random = generator(seed)
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const faults: string[] = []
  const statuses = new Map<number, number>()
  const judge = (status: number, type: string, body: string, what: string) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    const wrong = fault(status, type, body)
    if (wrong) faults.push(`${what}: ${wrong}`)
  }

  const described = (): Promise<void> => {
    const { path, method, operation } = random.pick(operations)
    const where = path.replace(/\{\w+\}/g, () =>
      encodeURIComponent(random.pick(['a', '1-s1', '1-x', '..', '\0', 'x'.repeat(300)])),
    )
    const types = Object.entries(operation.requestBody?.content ?? {})
    const [type, { schema }] = types.length > 0 ? random.pick(types) : ['application/json', { schema: {} as Schema }]
    const body = type.endsWith('json') ? JSON.stringify(value(schema, random, sizes)) : binary(random, sizes)
    const headers: Record<string, string> = {
      'content-type': random.next() < 0.03 ? random.pick(['text/plain', 'x/y', '']) : type,
    }
    for (const { in: place, name } of operation.parameters ?? [])
      if (place === 'header' && random.next() < 0.3)
        headers[name] = random.pick([`1,${sizes.context},${sizes.dim}`, '1', '0', '-1', 'a', '1,2,3', '9'.repeat(40)])
    const sends = method === 'POST' && random.next() > 0.02
    return new Promise((done) => {
      const sent = ask(`${url}${where}`, { method: random.next() < 0.02 ? 'PUT' : method, headers, agent }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          judge(
            answer.statusCode!,
            answer.headers['content-type'] ?? '',
            Buffer.concat(chunks).toString(),
            `${method} ${where} ${String(body).slice(0, 200)}`,
          )
          done()
        })
      })
      sent.on('error', (error) => {
        faults.push(`${method} ${where}: ${error.message}`)
        done()
      })
      sent.end(sends ? body : undefined)
    })
  }
  const byHand = async (): Promise<void> => {
    const text = random.pick(HOSTILE)(random)
    const answer = await exchange(url, Buffer.from(text, 'latin1'), 500)
    const [head = '', body = ''] = answer.split('\r\n\r\n', 2)
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(head) ?? []
    if (status !== undefined)
      judge(Number(status), /content-type: (.*)/i.exec(head)?.[1] ?? '', body, JSON.stringify(text.slice(0, 100)))
  }
  let left = count
  const loop = async (): Promise<void> => {
    while (left-- > 0) await (random.next() < 0.03 ? byHand() : described())
  }
  await Promise.all(Array.from({ length: 8 }, loop))
  agent.destroy()
  return { faults, statuses }
}
