import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTROL, type Control, controlDoor } from '../../control.js'
import { callback, only, optional, withFields, word } from '../../door.js'
import { badOption, LvmError } from '../../errors.js'
import { requireDisk } from '../../files/disk.js'
import { sha256, textHash } from '../../files/hash.js'
import { withLock } from '../../files/wait-for-lock.js'
import { syncFolder } from '../../files/write.js'
import type { Env } from '../../libtorch/paths.js'
import { type Given, resolve } from '../../options.js'
import { requireGoing, stage, tally } from '../../stages.js'
import { fetchFile } from './download-file.js'
import {
  type CachedEncoder,
  cachedEncoders,
  DESCRIPTION,
  encodersRoot,
  type Fetched,
  pickEncoder,
  SUMS,
  shortName,
} from './encoder-store.js'
import { encodersFetchFields } from './encoders-fields.js'
import { describeEncoder, GOLDEN } from './golden-sentences.js'
import { commitOf, type HubRequest, hubUrl, listingOf, tokenFor } from './hub-client.js'
import { isIndex, type ListedFile, modulesOf, neededFiles, shardsOf } from './needed-files.js'

/** Options of `fetchEncoder`: the name, and any field of `encodersFetchFields`. */
export interface FetchOptions extends Given<typeof encodersFetchFields> {
  /** Name at the hub, with its owner: sentence-transformers/all-mpnet-base-v2. */
  readonly name: string
}
/** Progress of a fetch. */
export interface FetchProgress {
  readonly phase: 'wait' | 'download' | 'check'
  readonly what: string
  readonly done: number
  /** 0 when unknown. */
  readonly total: number
}
export interface FetchListener extends Control {
  readonly progress?: (progress: FetchProgress) => void
  readonly say?: (line: string) => void
  readonly env?: Env
}

const NAME = /^[\w.-]{1,96}\/[\w.-]{1,96}$/
const COMMIT = /^[0-9a-f]{40}$/
/** Bytes of the description, the hashes and the golden vectors. */
const OVERHEAD = 1 << 20

const entryOf = (name: string, commit: string) => `${name.replace('/', '--')}--${commit.slice(0, 12)}`

/** Commit to fetch. Errors: those of commitOf; without the hub the message names what the cache has of the model. */
async function wantedCommit(o: HubRequest, env: Env): Promise<string> {
  if (COMMIT.test(o.revision) && cachedEncoders(env).some(({ name, commit }) => name === o.name && commit === o.revision))
    return o.revision
  return commitOf(o).catch((error) => {
    const held = cachedEncoders(env).find(({ name }) => name === o.name)
    if (held === undefined || !(error instanceof LvmError)) throw error
    const hint = `the cache has ${held.name}@${held.commit.slice(0, 7)}, which needs no hub: --encoder ${held.name}; ${error.commandHint}`
    throw new LvmError(error.code, error.message, { cause: error, hint })
  })
}

/** Downloads the files that decide, modules.json and indices of shards, and returns all files that are needed. */
async function chooseFiles(o: HubRequest, commit: string, folder: string): Promise<ListedFile[]> {
  const listing = await listingOf(o, commit)
  const read = async (file: ListedFile) => {
    await fetchFile(o, commit, file, join(folder, file.path), () => {})
    return readFile(join(folder, file.path), 'utf8')
  }
  const modules = listing.find(({ path }) => path === 'modules.json')
  const needed = neededFiles(o.name, listing, modulesOf(o.name, modules && (await read(modules))))
  const shards = []
  for (const index of needed.filter(isIndex)) shards.push(...shardsOf(o.name, index.path, await read(index), listing))
  return [...needed, ...shards].sort((a, b) => a.bytes - b.bytes || (a.path < b.path ? -1 : 1))
}

/** Downloads all files below `folder`; returns the text of SHA256SUMS. */
async function download(
  o: HubRequest,
  commit: string,
  folder: string,
  progress: (p: FetchProgress) => void,
): Promise<{ sums: string; files: number; bytes: number }> {
  progress({ phase: 'check', what: `the files of ${o.name}`, done: 0, total: 0 })
  const files = await chooseFiles(o, commit, folder)
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  await requireDisk(folder, total + OVERHEAD)
  const lines: string[] = []
  let done = 0
  for (const file of files) {
    await fetchFile(o, commit, file, join(folder, file.path), (bytes) =>
      progress({ phase: 'download', what: o.name, done: done + bytes, total }),
    )
    done += file.bytes
    requireGoing(o.signal)
    lines.push(`${file.sum.kind === 'sha256' ? file.sum.hex : await sha256(join(folder, file.path))}  ${file.path}\n`)
  }
  return { sums: lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(''), files: files.length, bytes: total }
}

/** Licence in the head of a model card. */
async function licenceOf(folder: string): Promise<string | null> {
  const card = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '')
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card)?.[1] ?? ''
  return /^license:[ \t]*["']?([\w.+-]+)/m.exec(head)?.[1] ?? null
}

/** Fetches one commit into the cache, under its lock; a part of an earlier fetch goes on. */
async function publish(
  o: HubRequest,
  commit: string,
  hash: string | undefined,
  listener: Required<Pick<FetchListener, 'progress' | 'env'>>,
): Promise<void> {
  const store = encodersRoot(listener.env)
  const entry = join(store, entryOf(o.name, commit))
  const part = `${entry}.part`
  const folder = join(part, shortName(o.name))
  await mkdir(folder, { recursive: true })
  const { sums, files, bytes } = await download(o, commit, folder, listener.progress)
  listener.progress({ phase: 'check', what: `${o.name} with golden sentences`, done: 0, total: 0 })
  const { golden, ...facts } = await describeEncoder(folder)
  const own = textHash(sums)
  if (hash !== undefined && hash !== own && hash !== facts.encoder_hash)
    throw new LvmError(
      'ENCODER_MISMATCH',
      `encoders fetch: ${o.name}: expected the hash ${hash} but its files have ${own}, and the encoder ${facts.encoder_hash ?? 'none'}`,
      { hint: 'name the --revision that has this hash' },
    )
  const fetched: Fetched = {
    version: 1,
    name: o.name,
    revision: o.revision,
    commit,
    hub: o.url,
    fetched_at: new Date().toISOString(),
    files,
    bytes,
    hash: own,
    licence: await licenceOf(folder),
    ...facts,
  }
  await writeFile(join(part, SUMS), sums)
  if (golden !== undefined) await writeFile(join(part, GOLDEN), `${JSON.stringify(golden)}\n`)
  await writeFile(join(part, DESCRIPTION), `${JSON.stringify(fetched, null, 2)}\n`)
  const old = `${entry}.old.part`
  await rm(old, { recursive: true, force: true })
  if (existsSync(entry)) await rename(entry, old)
  await rename(part, entry)
  await syncFolder(store)
  await rm(old, { recursive: true, force: true })
}

/** Removes parts of other commits of the model, which nothing will continue. */
async function removeOldParts(store: string, name: string, entry: string): Promise<void> {
  const own = new RegExp(`^${name.replace('/', '--').replaceAll('.', '\\.')}--[0-9a-f]{12}(\\.old)?\\.part$`)
  for (const found of await readdir(store))
    if (own.test(found) && found !== `${entry}.part`) await rm(join(store, found), { recursive: true, force: true })
}

const ARGS = {
  options: withFields({ name: word }),
  listener: only({
    progress: optional(callback),
    say: optional(callback),
    ...CONTROL,
    env: optional({ expected: 'variables', accepts: (value) => typeof value === 'object' }),
  }),
}

/**
 * Fetches an encoder from a hub into the cache: the needed files of one commit, each with its size and hash checked.
 *
 * An interrupted fetch goes on where it stopped; until it is complete the encoder cannot be used.
 * Errors: ENCODER_FETCH, ENCODER_MISMATCH, NO_DISK, BAD_OPTION, RUN_LOCKED.
 */
export const fetchEncoder = controlDoor(
  'fetchEncoder',
  ARGS,
  async (options: FetchOptions, listener: FetchListener = {}): Promise<CachedEncoder & { already: boolean }> => {
    const { name, ...given } = options
    const { revision, hub, hash, force } = resolve('encoders fetch', encodersFetchFields, given)
    const { progress: own, say = () => {}, signal, env = process.env } = listener
    const progress = (p: FetchProgress) => {
      if (p.total > 0) tally(p.done, p.total)
      own?.(p)
    }
    if (!NAME.test(name) || name.includes('..'))
      throw badOption('encoders fetch', 'name', 'OWNER/NAME', name, 'lvm-torch encoders list shows known ones')
    const url = hubUrl(hub, env)
    const o: HubRequest = { url, name, revision, token: tokenFor(url, env), signal, say }
    const store = encodersRoot(env)
    await mkdir(store, { recursive: true })
    const waiting = (owner: string) => progress({ phase: 'wait', what: `another fetch (${owner})`, done: 0, total: 0 })
    const fetched = () =>
      withLock(
        store,
        waiting,
        async () => {
          const commit = await wantedCommit(o, env)
          const entry = entryOf(name, commit)
          const already = !force && existsSync(join(store, entry, DESCRIPTION))
          await removeOldParts(store, name, already ? '' : entry)
          if (!already) await publish(o, commit, hash, { progress, env })
          const found = pickEncoder(`${name}@${commit}`, env)
          if (already && hash !== undefined && hash !== found.hash && hash !== found.encoder_hash)
            throw new LvmError(
              'ENCODER_MISMATCH',
              `encoders fetch: expected the hash ${hash} but ${name}@${commit.slice(0, 7)} in the cache has ${found.hash}, and the encoder ${found.encoder_hash ?? 'none'}`,
              { hint: 'name the --revision that has this hash' },
            )
          return { ...found, already }
        },
        { what: 'encoders' },
      )
    return stage('fetch', fetched)
  },
)
