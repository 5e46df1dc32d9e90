import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Files of a model by path; a function makes the bytes that are sent, when they differ from the listed ones. */
export type Files = Record<string, Buffer>

export const COMMIT = 'c0ffee'.padEnd(40, '0')

/** A model of the layout of sentence-transformers, with copies in other formats, and large files in LFS. */
export const modelFiles = (weights = Buffer.alloc(300_000, 'w')): Files => ({
  'modules.json': Buffer.from(
    JSON.stringify([
      { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
      { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
      { idx: 2, name: '2', path: '2_Dense', type: 'sentence_transformers.models.Dense' },
      { idx: 3, name: '3', path: '3_Normalize', type: 'sentence_transformers.models.Normalize' },
    ]),
  ),
  'README.md': Buffer.from('---\nlicense: apache-2.0\n---\n# A model\n'),
  'config.json': Buffer.from('{"model_type":"t5"}'),
  'tokenizer.json': Buffer.from('{"é":1}'),
  'tokenizer_config.json': Buffer.from('{}'),
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.alloc(300_000, 'p'),
  'tf_model.h5': Buffer.alloc(1000, 't'),
  'onnx/model.onnx': Buffer.alloc(1000, 'o'),
  'openvino/openvino_model.bin': Buffer.alloc(1000, 'v'),
  '1_Pooling/config.json': Buffer.from('{"pooling_mode_mean_tokens":true}'),
  '2_Dense/config.json': Buffer.from('{"in_features":2,"out_features":2}'),
  '2_Dense/pytorch_model.bin': Buffer.alloc(5000, 'd'),
})

/** What a hub does wrong. */
export interface Faults {
  /** Statuses of the next answers. */
  statuses?: { status: number; headers?: Record<string, string> }[]
  /** Cut the connection after so many bytes of a file, so many times. */
  cut?: { path: string; after: number; times: number }
  /** Send these bytes in place of a file's. */
  sent?: Files
  noRanges?: boolean
  /** Never answer a request for this file. */
  silent?: string
}

export interface FakeHub {
  readonly url: string
  readonly requests: { method: string; url: string; range: string | undefined; authorization: string | undefined; host: string }[]
  faults: Faults
  files: Files
  commit: string
  close(): Promise<void>
}

const listed = (path: string, bytes: Buffer) => {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
  const entry = { type: 'file', path, size: bytes.length, oid }
  if (bytes.length < 1000) return entry
  return { ...entry, lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 130 } }
}

function sendFile(hub: FakeHub, path: string, request: IncomingMessage, response: ServerResponse): void {
  const bytes = hub.faults.sent?.[path] ?? hub.files[path]!
  const range = hub.faults.noRanges ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  const body = range ? bytes.subarray(Number(range[1]), Number(range[2]) + 1) : bytes
  const headers = {
    'content-length': String(body.length),
    ...(range && { 'content-range': `bytes ${range[1]}-${range[2]}/${bytes.length}` }),
  }
  response.writeHead(range ? 206 : 200, headers)
  const { cut } = hub.faults
  if (cut?.path === path && cut.times > 0) {
    cut.times--
    response.write(body.subarray(0, cut.after), () => setTimeout(() => response.destroy(), 20))
  } else response.end(body)
}

/** Starts a server with the layout of a Hugging Face hub for the model us/small; large files are redirected to a second host. */
export async function fakeHub(files: Files = modelFiles()): Promise<FakeHub> {
  const servers: Server[] = []
  const listen = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
    const server = createServer(answer)
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const note = (request: IncomingMessage, host: string) =>
    requests.push({
      method: request.method!,
      url: request.url!,
      range: request.headers.range,
      authorization: request.headers.authorization,
      host,
    })
  const requests: FakeHub['requests'] = []
  const store = await listen((request, response) => {
    note(request, 'store')
    sendFile(hub, decodeURIComponent(request.url!.slice(1)), request, response)
  })
  const url = await listen((request, response) => {
    note(request, 'hub')
    const json = (body: unknown, status = 200, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const fault = hub.faults.statuses?.shift()
    if (fault !== undefined) return json({ error: 'no' }, fault.status, fault.headers)
    const path = decodeURIComponent(new URL(request.url!, url).pathname)
    if (path.startsWith('/api/models/us/small/revision/')) {
      const revision = path.slice('/api/models/us/small/revision/'.length)
      if (!['main', 'v1', hub.commit].includes(revision))
        return json({ error: 'Invalid rev id' }, 404, { 'x-error-code': 'RevisionNotFound' })
      return json({ _id: '1', id: 'us/small', sha: hub.commit, lastModified: '2026-01-01' })
    }
    if (path === `/api/models/us/small/tree/${hub.commit}`) {
      const second = new URL(request.url!, url).searchParams.has('cursor') // the listing has two pages
      const entries = Object.entries(hub.files).map(([path, bytes]) => listed(path, bytes))
      const next = { link: `<${url}${path}?recursive=true&expand=false&cursor=x>; rel="next"` }
      return json(second ? entries.slice(4) : entries.slice(0, 4), 200, second ? {} : next)
    }
    const file = path.startsWith(`/us/small/resolve/${hub.commit}/`) ? path.slice(`/us/small/resolve/${hub.commit}/`.length) : ''
    if (hub.files[file] === undefined)
      return json({ error: 'Repository not found' }, path.startsWith('/us/small') ? 404 : 401, { 'x-error-code': 'RepoNotFound' })
    if (hub.faults.silent === file) return
    if (hub.files[file]!.length < 1000) return sendFile(hub, file, request, response)
    response.writeHead(302, { location: `${store}/${encodeURIComponent(file)}` }).end()
  })
  const hub: FakeHub = {
    url,
    requests,
    faults: {},
    files,
    commit: COMMIT,
    close: async () => {
      for (const server of servers) server.closeAllConnections()
      for (const server of servers) await new Promise((done) => server.close(done))
    },
  }
  return hub
}
