import { readFile } from 'node:fs/promises'
import type { Pool } from 'undici'
import { badOption, fileError, LvmError, shown } from '../errors.js'
import type { Options } from '../options.js'
import { ask, type Connection } from './connection.js'
import type { LoadedModel } from './load-document.js'
import { type loadtestFields, milliseconds } from './loadtest-fields.js'
import { type Answer, problemOf } from './request.js'

/** Checks a URL. Errors: BAD_OPTION. */
function addressOf(url: string): URL {
  const expected = 'the URL of a server such as http://127.0.0.1:8080'
  if (!URL.canParse(url)) throw badOption('loadtest', 'url', expected, url)
  const parsed = new URL(url)
  if (!['http:', 'https:'].includes(parsed.protocol)) throw badOption('loadtest', 'url', expected, url)
  if (parsed.search !== '' || parsed.hash !== '' || parsed.username !== '')
    throw badOption('loadtest', 'url', `${expected}, without a query, a fragment or a user,`, url)
  return parsed
}

const read = (path: string, what: string) =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw fileError(error, `loadtest: could not read ${what}`)
  })

/** Describes how to reach a server. Errors: BAD_OPTION, FILE_…. */
export async function connectionTo(url: string, o: Options<typeof loadtestFields>): Promise<Connection> {
  const { origin, protocol, pathname } = addressOf(url)
  for (const name of ['ca', 'insecure'] as const) {
    if (o[name] && protocol !== 'https:') throw badOption('loadtest', name, `an https URL with "${name}"`, url)
  }
  const lines = o.apiKeyFile === undefined ? [] : (await read(o.apiKeyFile, 'the key')).split(/\r?\n/).map((line) => line.trim())
  const key = lines.find((line) => line !== '' && !line.startsWith('#'))
  if (o.apiKeyFile !== undefined && (key === undefined || /[^\x21-\x7e]/.test(key)))
    throw badOption('loadtest', 'apiKeyFile', 'a file whose first line is a key of printable ASCII', o.apiKeyFile)
  return {
    origin,
    base: pathname.replace(/\/+$/, ''),
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(o.model !== undefined && { 'x-model': o.model }),
    },
    ca: o.ca === undefined ? null : await read(o.ca, 'the certificate authority'),
    insecure: o.insecure,
    timeout: milliseconds(o.timeout),
  }
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/
const WRONG_SCHEME = /EPROTO|ERR_SSL|HPE_INVALID|SSL/

/** The error for a server that gave no answer. */
export function unreachable({ origin }: Connection, error: NodeJS.ErrnoException): LvmError {
  const code = String(error.code ?? error.name)
  const hint = CERTIFICATE.test(code)
    ? 'name the authority that signed its certificate with --ca FILE, or accept any with --insecure'
    : WRONG_SCHEME.test(code)
      ? 'the server speaks the other one of http and https; change the URL'
      : 'start it with: lvm-torch serve RUN; or correct host and port of the URL'
  return new LvmError('UNAVAILABLE', `loadtest: expected a server at ${origin} but received ${code}: ${error.message}`, {
    cause: error,
    hint,
  })
}

/** Sends a GET. Errors: UNAVAILABLE, UNAUTHORIZED. */
export async function get(pool: Pool, connection: Connection, path: string): Promise<Answer> {
  const { base, headers, timeout } = connection
  const message = { path: `${base}${path}`, method: 'GET', headers: { ...headers }, body: null } as const
  const answer = await ask(pool, message, timeout).catch((error: NodeJS.ErrnoException) => {
    throw unreachable(connection, error)
  })
  if (answer.status === 401 || answer.status === 403) {
    const sent = 'authorization' in headers ? 'the key of "apiKeyFile"' : 'a request without a key'
    throw new LvmError('UNAUTHORIZED', `loadtest: ${connection.origin} refused ${sent} with status ${answer.status}`, {
      hint: 'give the file with a key of the server: --api-key-file FILE',
    })
  }
  return answer
}

const whole = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
const named = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function modelOf(entry: Record<string, unknown>): LoadedModel | undefined {
  const [name, dim, context] = [entry.name ?? entry.id, whole(entry.dim), whole(entry.context)]
  if (typeof name !== 'string' || dim === undefined || context === undefined) return undefined
  const bank = entry.bank as { rows?: unknown } | null | undefined
  return {
    name,
    architecture: named(entry.architecture),
    dim,
    context,
    weights: named(entry.weights),
    bank_rows: whole(bank?.rows) ?? null,
  }
}

/** Asks a server for its models and chooses one: that with a name, or the first. Errors: UNAVAILABLE, UNAUTHORIZED, NOT_FOUND, BAD_OPTION. */
export async function modelAt(pool: Pool, connection: Connection, name: string | undefined): Promise<LoadedModel> {
  const answer = await get(pool, connection, '/v1/models')
  const at = `${connection.origin}${connection.base}/v1/models`
  let list: unknown
  try {
    const document = JSON.parse(answer.body.toString()) as Record<string, unknown>
    list = document.models ?? document.data
  } catch {} // an answer that is no JSON is no list either
  if (answer.status !== 200 || !Array.isArray(list)) {
    const received = answer.status === 200 ? answer.type || 'an answer without a type' : problemOf(answer).message
    throw new LvmError('NOT_FOUND', `loadtest: expected a list of models at ${at} but received ${shown(received)}`, {
      hint: 'give the URL that lvm-torch serve prints',
    })
  }
  const models = list.flatMap((entry) => modelOf(entry as Record<string, unknown>) ?? [])
  const found = name === undefined ? models[0] : models.find((model) => model.name === name)
  if (found) return found
  if (name !== undefined) throw badOption('loadtest', 'model', `one of ${models.map((m) => m.name).join(', ')}`, name)
  throw new LvmError('NOT_FOUND', `loadtest: expected a model with "name", "dim" and "context" at ${at} but it lists none`)
}

/** Version in the OpenAPI document of a server; null if there is none. */
export async function versionAt(pool: Pool, connection: Connection): Promise<string | null> {
  try {
    const answer = await get(pool, connection, '/openapi.json')
    return named((JSON.parse(answer.body.toString()) as { info?: { version?: unknown } }).info?.version)
  } catch {
    return null
  }
}
