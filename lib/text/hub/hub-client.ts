import { setTimeout as sleep } from 'node:timers/promises'
import { asLvmError, badOption, cut, LvmError } from '../../errors.js'
import type { Env } from '../../libtorch/paths.js'
import { downloadFile, listFiles, modelInfo } from '../../packages/huggingface-hub.js'
import { requireGoing } from '../../stages.js'
import type { ListedFile } from './needed-files.js'

/** A hub to fetch from, and the name and revision of a model there. */
export interface HubRequest {
  readonly url: string
  readonly name: string
  readonly revision: string
  readonly token: string | undefined
  readonly signal: AbortSignal | undefined
  /** Receives a line when a request is repeated. */
  readonly say: (line: string) => void
}

export const HUB = 'https://huggingface.co'
/** Repetitions of a request that failed, and of a transfer that moves no byte forward. */
export const RETRIES = 5
/** Longest time to wait because the hub asks for it. Units: s. */
const LONGEST_WAIT = 120
/** Time without a byte after which a transfer counts as interrupted. Units: ms. */
const STALLED_MS = 30_000
/** Statuses of passing faults. */
const PASSING = [408, 425, 429, 500, 502, 503, 504]
/** System errors that a repetition does not change. */
const LASTING = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

/** Address of the hub: of the option, of LVM_TORCH_HUB or HF_ENDPOINT, or the public one. Errors: BAD_OPTION. */
export function hubUrl(option: string | undefined, env: Env): string {
  const url = option ?? (env.LVM_TORCH_HUB || env.HF_ENDPOINT || HUB)
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw badOption('encoders fetch', 'hub', 'an address that begins with https:// or http://', url)
  return url.replace(/\/+$/, '')
}

/** Token of HF_TOKEN; over plain HTTP it goes to this machine only. */
export function tokenFor(url: string, env: Env): string | undefined {
  const { protocol, hostname } = new URL(url)
  const safe = protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return safe && env.HF_TOKEN ? env.HF_TOKEN : undefined
}

const BY_HAND = 'copy the folder of the encoder here from another machine, and give its path to --encoder'

const failed = (o: HubRequest, sentence: string, hint: string = BY_HAND, cause?: unknown) =>
  new LvmError('ENCODER_FETCH', `encoders fetch: ${o.name}: ${sentence}`, { hint, cause })

/** Error for an answer that is not a success. */
function refusal(o: HubRequest, { status, headers, url }: Response): LvmError {
  const why = headers.get('x-error-code') ?? ''
  if (status === 401 || status === 403) {
    const gated = why === 'GatedRepo' || status === 403
    const hint = o.token
      ? `accept its terms at ${o.url}/${o.name} with the account of HF_TOKEN; or ${BY_HAND}`
      : `check the name; for a private or gated model set HF_TOKEN=hf_… (sent over https only); or ${BY_HAND}`
    return failed(
      o,
      `${o.url} refuses access (${status}): the model ${gated ? 'is gated or private' : 'does not exist, or is private'}`,
      hint,
    )
  }
  if (
    status === 404 &&
    (why === 'RevisionNotFound' || (why !== 'RepoNotFound' && url.includes('/revision/') && o.revision !== 'main'))
  )
    return failed(o, `${o.url} has no revision "${cut(o.revision)}" of it`, 'check --revision: a branch, a tag or a commit')
  if (status === 404)
    return failed(
      o,
      `${o.url} has no ${why === 'EntryNotFound' ? `file ${new URL(url).pathname}` : 'model of that name'}`,
      'check the name, OWNER/NAME: lvm-torch encoders list shows known ones',
    )
  if (status === 429)
    return failed(
      o,
      `${o.url} still limits the rate of requests after ${RETRIES} repetitions`,
      'run the same command later: it goes on where it stopped; HF_TOKEN raises the limit',
    )
  return failed(o, `${o.url} answers ${status}`, 'run the same command later: it goes on where it stopped')
}

function unreachable(o: HubRequest, error: unknown): LvmError {
  const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  const proxy = 'behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1'
  return failed(
    o,
    `${o.url} cannot be reached (${code ?? message})`,
    `check the network, or name a mirror with --hub; ${proxy}; or ${BY_HAND}`,
    error,
  )
}

/** Time until the next repetition: what the hub asks for, or twice the time before. Units: s. */
const pause = (headers: Headers | undefined, tries: number): number => {
  const asked = headers?.get('retry-after')
  const seconds =
    asked === null || asked === undefined
      ? Number.NaN
      : /^\d+$/.test(asked)
        ? Number(asked)
        : (Date.parse(asked) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0.25 * 2 ** tries
}

/** fetch() with the token, repetitions and our errors; `ending` ends it too, with its own reason. */
function fetcher(o: HubRequest, ending = o.signal): typeof fetch {
  return async (url, init) => {
    const headers = new Headers(init?.headers)
    if (o.token) headers.set('authorization', `Bearer ${o.token}`) // fetch drops it when a redirect leads to another host
    for (let tries = 0; ; tries++) {
      const answer = await fetch(url, { ...init, headers, ...(ending && { signal: ending }) }).catch((error: Error) => error)
      if (!(answer instanceof Error) && answer.ok) return answer
      requireGoing(o.signal)
      ending?.throwIfAborted() // no byte came for long
      const lost = answer instanceof Error
      if (!lost) await answer.body?.cancel()
      const seconds = pause(lost ? undefined : answer.headers, tries)
      const passes = lost
        ? !LASTING.includes((answer.cause as NodeJS.ErrnoException)?.code ?? '')
        : PASSING.includes(answer.status)
      if (!passes || tries === RETRIES || seconds > LONGEST_WAIT) throw lost ? unreachable(o, answer) : refusal(o, answer)
      if (seconds >= 1)
        o.say(`${o.url} ${lost ? 'cannot be reached' : `answers ${answer.status}`}; trying again in ${Math.ceil(seconds)} s`)
      await sleep(1000 * seconds, undefined, ending && { signal: ending }).catch(() => requireGoing(o.signal))
    }
  }
}

/** Commit of the revision. Errors: ENCODER_FETCH. */
export async function commitOf(o: HubRequest): Promise<string> {
  const { sha } = await modelInfo({
    name: o.name,
    revision: o.revision,
    hubUrl: o.url,
    additionalFields: ['sha'],
    fetch: fetcher(o),
  }).catch((error) => {
    throw coded(o, error)
  })
  if (!/^[0-9a-f]{40}$/.test(sha ?? ''))
    throw failed(o, `expected the commit of "${o.revision}" from ${o.url} but received "${sha}"`)
  return sha!
}

/** Errors of the client, such as a page instead of JSON from a proxy, become ours. */
const coded = (o: HubRequest, error: unknown): LvmError =>
  error instanceof LvmError || o.signal?.aborted
    ? asLvmError(error)
    : failed(o, `${o.url} does not answer like a hub: ${cut((error as Error).message, 200)}`, `check --hub; or ${BY_HAND}`, error)

/** Whether a path of a listing stays inside its folder on every system. */
const isPlainPath = (path: string) => !/^[/\\]|(^|[/\\])\.\.([/\\]|$)|[\\:\0]/.test(path)

/** All files of a commit with their sizes and hashes. Errors: ENCODER_FETCH. */
export async function listingOf(o: HubRequest, commit: string): Promise<ListedFile[]> {
  const files: ListedFile[] = []
  try {
    for await (const { type, path, size, oid, lfs } of listFiles({
      repo: o.name,
      revision: commit,
      recursive: true,
      hubUrl: o.url,
      fetch: fetcher(o),
    })) {
      if (type !== 'file') continue
      if (!isPlainPath(path)) throw failed(o, `${o.url} lists a path outside the model: ${cut(path)}`)
      const sum = lfs === undefined ? ({ kind: 'git', hex: oid ?? '' } as const) : ({ kind: 'sha256', hex: lfs.oid } as const)
      files.push({ path, bytes: lfs?.size ?? size, sum })
    }
  } catch (error) {
    throw coded(o, error)
  }
  return files
}

/** A transfer that the hub could not continue at the asked byte. */
export class NoRanges extends Error {}

/** Streams a file from a byte on. Errors: ENCODER_FETCH; NoRanges; TypeError when the connection is lost. */
export async function* fileBytes(o: HubRequest, commit: string, file: ListedFile, start: number): AsyncGenerator<Uint8Array> {
  let failure: unknown // the stream of the client passes on the message of an error alone
  const lost = new AbortController()
  const signal = o.signal === undefined ? lost.signal : AbortSignal.any([o.signal, lost.signal])
  const get = fetcher(o, signal)
  const checked: typeof fetch = async (url, init) => {
    try {
      const answer = await get(url, init)
      if (start > 0 && answer.status !== 206) throw new NoRanges()
      return answer
    } catch (error) {
      failure = error
      throw error
    }
  }
  const url = `${o.url}/${o.name}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`
  const downloadInfo = { url, size: file.bytes, etag: file.sum.hex }
  const blob = await downloadFile({
    repo: o.name,
    path: file.path,
    revision: commit,
    hubUrl: o.url,
    xet: false,
    fetch: checked,
    downloadInfo,
  })
  const stalled = setTimeout(() => lost.abort(new TypeError(`no byte for ${STALLED_MS / 1000} s`)), STALLED_MS)
  try {
    for await (const piece of blob!.slice(start).stream() as unknown as AsyncIterable<Uint8Array>) {
      stalled.refresh()
      yield piece
    }
  } catch (error) {
    requireGoing(o.signal)
    throw failure ?? error
  } finally {
    clearTimeout(stalled)
    lost.abort() // ends a request whose bytes are no longer read
  }
}
