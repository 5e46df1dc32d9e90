import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { ServeEvent } from '../../lib/serve/serve-events.js'
import { type ServeOptions, startServer } from '../../lib/serve/start-server.js'
import { client, problem } from './client.js'
import { contexts, fakeEngines } from './fake-engine.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-serve-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(join(folder, name), text)
  chmodSync(join(folder, name), mode)
  return join(folder, name)
}
const events: ServeEvent[] = []
const start = (options: Omit<ServeOptions, 'tell'>, engines = fakeEngines()) =>
  startServer({ runs: ['a'], port: 0, ...options, tell: (event) => events.push(event) }, engines.open)

const KEY = 'key-of-the-first-client'
const keys = file('keys', `# clients\n${KEY}\n\nkey-of-the-second-client\n`)

test('with keys every path but the probes and the description needs one', async () => {
  const server = await start({ apiKeyFile: keys })
  const { get, post } = client(() => server.url)
  for (const path of ['/livez', '/readyz', '/v2/health/live', '/v2/health/ready', '/openapi.json', '/docs/'])
    expect((await get(path)).status, path).toBe(200)
  for (const path of ['/metrics', '/v1/models', '/v2', '/v2/models/a', '/nothing', '/livez/', '/docsx', '/v2/health/livex']) {
    const answer = await get(path)
    expect(answer.status, path).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  }
  const predict = (authorization: string) => post('/v1/predict', { contexts: contexts(1) }, { authorization })
  expect((await predict(`Bearer ${KEY}`)).status).toBe(200)
  expect((await predict('bearer key-of-the-second-client')).status).toBe(200)
  for (const wrong of ['', 'Bearer', `Bearer ${KEY}x`, `Basic ${KEY}`, KEY, `Bearer ${KEY} x`, 'Bearer # clients'])
    expect(await problem(await predict(wrong)), wrong).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
  await server.kill()
})

test('a reload reads the keys again', async () => {
  const own = file('own-keys', `${KEY}\n`)
  const server = await start({ apiKeyFile: own })
  const { get } = client(() => server.url)
  file('own-keys', 'another-key-of-clients\n')
  await server.reload()
  expect((await get('/v1/models', { authorization: `Bearer ${KEY}` })).status).toBe(401)
  expect((await get('/v1/models', { authorization: 'Bearer another-key-of-clients' })).status).toBe(200)
  await server.kill()
})

test('a file of keys that others can read, and a short key, are warned of', async () => {
  events.length = 0
  const server = await start({ apiKeyFile: file('open-keys', 'short\n', 0o644) })
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
  expect(warnings.join('\n')).toMatch(/chmod 600[\s\S]*fewer than 16 characters/)
  await server.kill()
})

const REFUSED: readonly (readonly [what: string, options: ServeOptions, message: RegExp])[] = [
  ['another address without keys', { host: '0.0.0.0' }, /everyone who reaches 0\.0\.0\.0/],
  ['--insecure on this machine alone', { insecure: true }, /no effect on 127\.0\.0\.1/],
  ['--insecure beside keys', { host: '0.0.0.0', insecure: true, apiKeyFile: keys }, /no effect beside/],
  ['a certificate without its key', { cert: 'x.pem' }, /--cert and --key need each other/],
  ['files that are no certificate', { cert: keys, key: keys }, /are not a certificate/],
  ['a file of keys that does not exist', { apiKeyFile: join(folder, 'none') }, /there is no such file/],
  ['a file without a key', { apiKeyFile: file('no-keys', '# none\n') }, /expected a key/],
  ['a key with a space', { apiKeyFile: file('bad-keys', 'a b\n') }, /a header cannot carry/],
  ['no run', { runs: [] }, /expected a run but received none/],
  ['two runs of one name', { runs: ['a', 'x/a'] }, /two runs have the name "a"/],
  ['a split of a run that is not served', { split: 'a=90,b=10' }, /each once of the served runs a/],
  ['a split that is no list', { split: 'a' }, /NAME=WEIGHT/],
  ['a split of weights 0', { split: 'a=0' }, /a weight above 0/],
  ['an address of another machine', { host: '192.0.2.1', insecure: true }, /no address of this machine/],
  ['a log in a folder that does not exist', { log: join(folder, 'none', 'log') }, /could not open --log/],
  ['a list of runs that does not exist', { modelsFile: join(folder, 'none') }, /--models-file/],
  ['an unknown option', { prot: 1 } as never, /a known option/],
]
test.each(REFUSED)('%s is refused before a run is loaded', async (_what, options, message) => {
  const engines = fakeEngines()
  await expect(start(options, engines)).rejects.toThrow(message)
  expect(engines.seen.opened).toEqual([])
})

test('a port in use is refused before a run is loaded', async () => {
  const server = await start({})
  const engines = fakeEngines()
  await expect(start({ port: Number(new URL(server.url).port) }, engines)).rejects.toThrow(/is in use/)
  expect(engines.seen.opened).toEqual([])
  await server.kill()
})

test('when one of several runs cannot be opened the others are closed', async () => {
  const engines = fakeEngines({ refuses: (run) => (run === 'b' ? new Error('damaged') : undefined) })
  await expect(start({ runs: ['a', 'b'] }, engines)).rejects.toThrow('damaged')
  expect(engines.seen.engines.map(({ state }) => state)).toEqual(['closed'])
})

/** Makes a certificate for localhost. */
function certificate(name: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', ...subject]
  execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert, key }
}

test('TLS serves the certificate, and a reload serves its successor', async () => {
  const first = certificate('first')
  const second = certificate('second')
  const cert = file('tls.crt', readFileSync(first.cert, 'utf8'))
  const key = file('tls.key', readFileSync(first.key, 'utf8'))
  const server = await start({ cert, key })
  expect(server.url).toMatch(/^https:/)
  const subject = (ca: string) =>
    new Promise<string>((done, fail) => {
      const asked = request(`${server.url}/livez`, { ca: readFileSync(ca), agent: false }, (answer) => {
        const { subject } = (
          answer.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
        ).getPeerCertificate()
        answer.resume().on('end', () => done(subject.CN))
      })
      asked.on('error', fail).end()
    })
  expect(await subject(first.cert)).toBe('first')
  writeFileSync(cert, readFileSync(second.cert))
  writeFileSync(key, readFileSync(second.key))
  await server.reload()
  expect(await subject(second.cert)).toBe('second')
  await server.kill()
})
