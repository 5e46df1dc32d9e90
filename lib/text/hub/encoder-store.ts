import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { badOption, LvmError } from '../../errors.js'
import { cacheRoot, type Env } from '../../libtorch/paths.js'
import { KNOWN_ENCODERS } from './known-encoders.js'

/** Description of an encoder in the cache. */
export const DESCRIPTION = 'fetched.json'
/** SHA-256 of every file of an encoder in the cache. */
export const SUMS = 'SHA256SUMS'

/** Content of `fetched.json` of an encoder in the cache. */
export interface Fetched {
  readonly version: 1
  /** Name at the hub, with its owner. */
  readonly name: string
  /** Revision that was asked for: a branch, a tag or a commit. */
  readonly revision: string
  /** Commit of that revision. */
  readonly commit: string
  readonly hub: string
  readonly fetched_at: string
  readonly files: number
  readonly bytes: number
  /** SHA-256 of the file SHA256SUMS: equal for equal files. */
  readonly hash: string
  readonly licence: string | null
  /** Space and dimension of its vectors; null when it could not be opened as an encoder. */
  readonly space: string | null
  readonly dim: number | null
  /** SHA-256 over weights, tokenizer and module configs, as the card of a base has it. */
  readonly encoder_hash: string | null
  /** Reason why it could not be opened, such as an unknown architecture; null when it could. */
  readonly problem: string | null
}

/** An encoder in the cache. */
export interface CachedEncoder extends Fetched {
  /** Folder of its description. */
  readonly entry: string
  /** Folder of its files, in the layout of sentence-transformers. */
  readonly path: string
}

/** Folder of the fetched encoders, beside the installed libtorch. */
export const encodersRoot = (env: Env = process.env): string => join(cacheRoot(env), 'encoders')

/** Name of a model without its owner. */
export const shortName = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

function described(entry: string): CachedEncoder | undefined {
  const file = join(entry, DESCRIPTION)
  if (!existsSync(file)) return undefined
  try {
    const fetched = JSON.parse(readFileSync(file, 'utf8')) as Fetched
    return { ...fetched, entry, path: join(entry, shortName(fetched.name)) }
  } catch (cause) {
    throw new LvmError('ENCODER_MISMATCH', `${file}: expected the description of an encoder but it is no JSON`, { cause })
  }
}

/** All encoders in the cache, by name and then the newest first. Errors: ENCODER_MISMATCH for a damaged description. */
export function cachedEncoders(env: Env = process.env): CachedEncoder[] {
  const store = encodersRoot(env)
  if (!existsSync(store)) return []
  const entries = readdirSync(store).filter((name) => !name.endsWith('.part'))
  const found = entries.map((name) => described(join(store, name))).filter((one) => one !== undefined)
  return found.sort((a, b) => a.name.localeCompare(b.name) || b.fetched_at.localeCompare(a.fetched_at))
}

/** Shortest part of a commit that names it. Units: characters. */
const SHORTEST_COMMIT = 7

/** Finds an encoder in the cache by `[OWNER/]NAME[@REVISION]`; without a revision the newest. Errors: ENCODER_MISSING, BAD_OPTION. */
export function pickEncoder(wanted: string, env: Env = process.env): CachedEncoder {
  const [name = '', revision] = wanted.split('@')
  const named = cachedEncoders(env).filter((one) => one.name === name || shortName(one.name) === name)
  const isWanted = ({ revision: asked, commit }: Fetched) =>
    revision === undefined || asked === revision || (revision.length >= SHORTEST_COMMIT && commit.startsWith(revision))
  const found = named.filter(isWanted)
  const owners = [...new Set(found.map((one) => one.name))]
  if (owners.length > 1) throw badOption('encoders', 'encoder', `one of ${owners.join(', ')}`, wanted, 'name its owner too')
  if (found[0] !== undefined) return found[0]
  const known = KNOWN_ENCODERS.find((one) => shortName(one.name) === name)?.name
  const held = named.map((one) => `${one.name}@${one.commit.slice(0, SHORTEST_COMMIT)}`)
  throw new LvmError(
    'ENCODER_MISSING',
    `encoders: expected a folder, or the name of an encoder in ${encodersRoot(env)}, but received "${wanted}"${held.length > 0 ? `; there is ${held.join(', ')}` : ''}`,
    {
      hint: `run: lvm-torch encoders fetch ${known ? `${known}${revision === undefined ? '' : `@${revision}`}` : /^[\w.-]+\/[\w.-]+$/.test(name) ? wanted : 'OWNER/NAME'}; or give the path of a folder`,
    },
  )
}

/**
 * Path of the folder that `--encoder` names: a folder, or `[OWNER/]NAME[@REVISION]` of an encoder in the cache.
 *
 * A folder in the working directory comes before a name in the cache.
 * Errors: FILE_MISSING for a path without a folder; BAD_OPTION for a file, or a name of several owners; ENCODER_MISSING.
 */
export function resolveEncoder(wanted: string, env: Env = process.env): string {
  const found = statSync(wanted, { throwIfNoEntry: false })
  if (found?.isDirectory()) return resolve(wanted)
  if (found !== undefined)
    throw badOption(
      'encoders',
      'encoder',
      'a folder in the layout of sentence-transformers',
      wanted,
      'give the folder that holds its modules.json',
    )
  if (/^[.~/\\]|^[a-z]:|[/\\]$|\\|\/.*\//i.test(wanted))
    throw new LvmError('FILE_MISSING', `encoders: expected the folder of an encoder but there is none at ${wanted}`)
  return pickEncoder(wanted, env).path
}
