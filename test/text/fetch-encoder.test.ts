import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LvmError } from '../../lib/errors.js'
import { cachedEncoders, encodersRoot, resolveEncoder } from '../../lib/text/hub/encoder-store.js'
import { type FetchListener, type FetchOptions, fetchEncoder } from '../../lib/text/hub/fetch-encoder.js'
import { COMMIT, type FakeHub, fakeHub, modelFiles } from './fake-hub.js'

let hub: FakeHub
let cache: string
let env: Record<string, string>
beforeEach(async () => {
  hub = await fakeHub()
  cache = mkdtempSync(join(tmpdir(), 'lvm-fetch-'))
  env = { LVM_TORCH_CACHE: cache, LVM_TORCH_HUB: hub.url }
})
afterEach(async () => {
  await hub.close()
  rmSync(cache, { recursive: true })
})

const fetched = (options: Partial<FetchOptions> = {}, listener: FetchListener = {}) =>
  fetchEncoder({ name: 'us/small', ...options }, { env, ...listener })
const refused = async (code: string, work: Promise<unknown>): Promise<LvmError> => {
  const error = await work.then(
    () => undefined,
    (error) => error,
  )
  expect(error?.code, error?.stack).toBe(code)
  return error
}
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
const NEEDED = [
  '1_Pooling/config.json',
  '2_Dense/config.json',
  '2_Dense/pytorch_model.bin',
  'README.md',
  'config.json',
  'model.safetensors',
  'modules.json',
  'tokenizer.json',
  'tokenizer_config.json',
]
const weightRequests = () => hub.requests.filter(({ url, host }) => host === 'store' && url.includes('model.safetensors'))

describe('fetchEncoder', () => {
  it('a fetch takes the files that modules.json needs, byte for byte, and no copy in another format', async () => {
    const seen: number[] = []
    const made = await fetched({}, { progress: ({ phase, done }) => phase === 'download' && seen.push(done) })
    expect(made).toMatchObject({
      name: 'us/small',
      commit: COMMIT,
      revision: 'main',
      already: false,
      licence: 'apache-2.0',
      files: 9,
    })
    expect(filesIn(made.path)).toEqual(NEEDED)
    for (const file of NEEDED) expect(readFileSync(join(made.path, file))).toEqual(hub.files[file])
    expect(resolveEncoder('small', env)).toBe(made.path)
    expect(seen.at(-1)).toBe(made.bytes)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
  })
  it('a second fetch of the same commit transfers no file, and of a full commit asks nothing', async () => {
    const first = await fetched()
    hub.requests.length = 0
    expect(await fetched()).toEqual({ ...first, already: true })
    expect(hub.requests).toHaveLength(1)
    await fetched({ revision: COMMIT })
    expect(hub.requests).toHaveLength(1)
    expect((await fetched({ force: true })).already).toBe(false)
  })
  it('a connection that is lost goes on at the byte where it broke', async () => {
    hub.faults.cut = { path: 'model.safetensors', after: 100_000, times: 2 }
    const made = await fetched()
    expect(readFileSync(join(made.path, 'model.safetensors'))).toEqual(hub.files['model.safetensors'])
    expect(weightRequests().map(({ range }) => range)).toEqual([undefined, 'bytes=100000-299999', 'bytes=200000-299999'])
  })
  it('a hub that knows no ranges is read from the start again', async () => {
    hub.faults = { cut: { path: 'model.safetensors', after: 100_000, times: 1 }, noRanges: true }
    const made = await fetched()
    expect(readFileSync(join(made.path, 'model.safetensors'))).toEqual(hub.files['model.safetensors'])
  })
  it('a fetch that was stopped is no encoder, and the next one goes on with its parts', async () => {
    const stop = new AbortController()
    hub.faults.cut = { path: 'model.safetensors', after: 100_000, times: 1 }
    const progress: FetchListener['progress'] = ({ done }) => done > 100_000 && stop.abort(new Error('enough'))
    await expect(fetched({}, { progress, signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(cachedEncoders(env)).toEqual([])
    await refused('ENCODER_MISSING', (async () => resolveEncoder('us/small', env))())
    hub.requests.length = 0
    await fetched()
    expect(weightRequests().map(({ range }) => range)).toEqual(['bytes=100000-299999'])
    expect(readdirSync(encodersRoot(env))).toEqual([`us--small--${COMMIT.slice(0, 12)}`])
  })
  it.each(['of the first request', 'of a file'])('a signal ends the wait for the repetition %s at once', async (which) => {
    const [stop, wait] = [new AbortController(), { status: 503, headers: { 'retry-after': '20' } }]
    if (which === 'of the first request') hub.faults.statuses = [wait]
    let waiting = 0
    const say = (line: string) => {
      if (!line.includes('trying again')) return
      waiting = performance.now()
      setTimeout(() => stop.abort(new Error('enough')), 50)
    }
    const progress: FetchListener['progress'] = ({ phase }) => {
      if (phase === 'download' && which === 'of a file' && waiting === 0) hub.faults.statuses ??= [wait]
    }
    await refused('INTERRUPTED', fetched({}, { progress, say, signal: stop.signal }))
    expect(waiting).toBeGreaterThan(0)
    expect(performance.now() - waiting).toBeLessThan(3000)
    expect(cachedEncoders(env)).toEqual([])
  })
  it('a damaged part of an earlier fetch is replaced', async () => {
    const folder = join(encodersRoot(env), `us--small--${COMMIT.slice(0, 12)}.part`, 'small')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'model.safetensors.part'), Buffer.alloc(1000, 'x'))
    writeFileSync(join(folder, 'config.json'), 'damaged')
    const made = await fetched()
    for (const file of NEEDED) expect(readFileSync(join(made.path, file))).toEqual(hub.files[file])
  })
  it('parts of an older commit are removed', async () => {
    const old = join(encodersRoot(env), `us--small--${'a'.repeat(12)}.part`)
    const other = join(encodersRoot(env), `us--smaller--${'a'.repeat(12)}.part`)
    for (const folder of [old, other]) mkdirSync(folder, { recursive: true })
    await fetched()
    expect([existsSync(old), existsSync(other)]).toEqual([false, true])
  })
  it('the shards of an index are fetched with it', async () => {
    const { 'model.safetensors': weights, 'pytorch_model.bin': _, ...files } = modelFiles()
    const index = {
      weight_map: {
        a: 'model-00001-of-00002.safetensors',
        b: 'model-00002-of-00002.safetensors',
        c: 'model-00001-of-00002.safetensors',
      },
    }
    hub.files = {
      ...files,
      'model.safetensors.index.json': Buffer.from(JSON.stringify(index)),
      'model-00001-of-00002.safetensors': weights!,
      'model-00002-of-00002.safetensors': Buffer.alloc(2000),
    }
    expect(filesIn((await fetched()).path)).toContain('model-00002-of-00002.safetensors')
  })
  it('two fetches at once make one transfer', async () => {
    const both = await Promise.all([fetched(), fetched()])
    expect(both.map(({ already }) => already).sort()).toEqual([false, true])
    expect(weightRequests()).toHaveLength(1)
  }, 20_000)
  it('a rate limit and a passing fault are waited for', async () => {
    hub.faults.statuses = [{ status: 429, headers: { 'retry-after': '0' } }, { status: 503 }]
    expect((await fetched()).files).toBe(9)
  })
  it('the token goes to the hub and not to the host that it redirects to', async () => {
    env.HF_TOKEN = 'hf_secret'
    await fetched()
    expect(
      hub.requests.filter(({ host }) => host === 'hub').every(({ authorization }) => authorization === 'Bearer hf_secret'),
    ).toBe(true)
    expect(hub.requests.filter(({ host }) => host === 'store').map(({ authorization }) => authorization)).not.toContain(
      'Bearer hf_secret',
    )
  })
  it('the hash of the files is accepted, and another one refused before the encoder can be used', async () => {
    const error = await refused('ENCODER_MISMATCH', fetched({ hash: 'a'.repeat(64) }))
    expect(cachedEncoders(env)).toEqual([])
    const hash = /files have ([0-9a-f]{64})/.exec(error.message)![1]!
    expect((await fetched({ hash })).hash).toBe(hash)
    await refused('ENCODER_MISMATCH', fetched({ hash: 'a'.repeat(64) }))
  })
})

describe('refusals of fetchEncoder', () => {
  it('a file with another hash than the listed one is refused, and its part removed', async () => {
    for (const file of ['model.safetensors', 'config.json']) {
      const bytes = Buffer.from(hub.files[file]!)
      bytes[3]! ^= 1
      rmSync(encodersRoot(env), { recursive: true, force: true })
      hub.faults.sent = { [file]: bytes }
      expect((await refused('ENCODER_MISMATCH', fetched())).message).toContain(file)
      expect(filesIn(encodersRoot(env)).filter((path) => path.endsWith(`${file}.part`))).toEqual([])
    }
    expect(cachedEncoders(env)).toEqual([])
  })
  it('a file with more bytes than listed is refused', async () => {
    hub.faults.sent = { 'model.safetensors': Buffer.alloc(300_001, 'w') }
    expect((await refused('ENCODER_MISMATCH', fetched())).message).toMatch(/300000 bytes of model.safetensors/)
  })
  it('a connection that is lost without progress is given up', async () => {
    hub.faults.cut = { path: 'model.safetensors', after: 0, times: 100 }
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/model.safetensors/)
  }, 30_000)
  it('an unknown model, an unknown revision and a gated model are told apart', async () => {
    expect((await refused('ENCODER_FETCH', fetched({ name: 'us/none' }))).message).toMatch(/does not exist, or is private/)
    expect((await refused('ENCODER_FETCH', fetched({ revision: 'v9' }))).message).toMatch(/no revision "v9"/)
    hub.faults.statuses = [{ status: 401, headers: { 'x-error-code': 'GatedRepo' } }]
    const gated = await refused('ENCODER_FETCH', fetched())
    expect([gated.message, gated.commandHint].join()).toMatch(/gated or private.*HF_TOKEN/)
    hub.faults.statuses = [{ status: 404, headers: { 'x-error-code': 'RepoNotFound' } }]
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/no model of that name/)
  })
  it('a rate limit that asks for minutes is refused at once', async () => {
    hub.faults.statuses = [{ status: 429, headers: { 'retry-after': '600' } }]
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/limits the rate/)
  })
  it('without a network the hint says what to do by hand, and names what the cache has', async () => {
    const gone = await fakeHub()
    await gone.close()
    const offline = { hub: gone.url }
    expect((await refused('ENCODER_FETCH', fetched(offline))).commandHint).toMatch(/copy the folder/)
    await fetched()
    expect((await refused('ENCODER_FETCH', fetched(offline))).commandHint).toMatch(/the cache has us\/small@c0ffee0/)
  }, 60_000)
  it('a page in place of JSON, as a proxy sends it, is named', async () => {
    hub.commit = 'not a commit'
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/expected the commit/)
  })
  it('a model without weights in a known format is refused before any large file', async () => {
    const { 'model.safetensors': _, 'pytorch_model.bin': __, ...files } = modelFiles()
    hub.files = files
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/model.safetensors or pytorch_model.bin/)
    expect(hub.requests.every(({ host }) => host === 'hub')).toBe(true)
  })
  it('paths outside the model and damaged lists of modules and shards are refused', async () => {
    hub.files = { ...modelFiles(), '../../evil.json': Buffer.from('{}') }
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/outside the model/)
    hub.files = { ...modelFiles(), 'modules.json': Buffer.from('{}') }
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/list of modules/)
    const { 'model.safetensors': _, ...files } = modelFiles()
    hub.files = { ...files, 'model.safetensors.index.json': Buffer.from('{"weight_map":{"a":"../x"}}') }
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/does not list it/)
    hub.files = { ...files, 'model.safetensors.index.json': Buffer.from('{}') }
    expect((await refused('ENCODER_FETCH', fetched())).message).toMatch(/names of shards/)
  })
  it('a wrong name, hub and hash are refused before any request', async () => {
    for (const name of ['small', 'a/b/c', '../x', 'a/..']) await refused('BAD_OPTION', fetched({ name }))
    await refused('BAD_OPTION', fetched({ hub: 'ftp://x' }))
    await refused('BAD_OPTION', fetched({ hash: 'abc' }))
    expect(hub.requests).toEqual([])
  })
})
