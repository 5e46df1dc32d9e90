import { lstat, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { LvmError, shown } from '../errors.js'
import { jsonHash, sha256, textHash } from '../files/hash.js'
import { parseJson } from '../files/json.js'
import { DEFAULT_LIMITS } from '../files/limits.js'
import { isRecord, manifestFault } from './manifest-types.js'

export const MANIFEST = 'manifest.json'

/** Expected hash and size of a file. */
export interface FileRecord {
  readonly sha256: string
  readonly bytes: number
}
/** Files of one generation of a run, and other facts recorded with them. */
export interface Manifest {
  readonly version: 1
  readonly generation: number
  /** ISO 8601. */
  readonly saved_at: string
  readonly files: Readonly<Record<string, FileRecord>>
  /** SHA-256 of the canonical JSON of all other entries. */
  readonly digest: string
  readonly [key: string]: unknown
}

/** Error for a checkpoint file that is not as expected. */
export function damagedFile(path: string, expected: string, received: string, cause?: unknown): LvmError {
  const near = relative(process.cwd(), path)
  const named = near.startsWith('..') ? path : near
  return new LvmError('BAD_CHECKPOINT', `checkpoint: expected ${expected} for "${named}" but received ${received}`, { cause })
}

/** Whether a name is a plain file name that a generation may contain. */
export const isFileName = (name: string): boolean =>
  /^[A-Za-z0-9][\w.-]*$/.test(name) && !['lock', 'generations', MANIFEST].includes(name)

const withoutDigest = (manifest: object) => Object.fromEntries(Object.entries(manifest).filter(([key]) => key !== 'digest'))
export const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, null, 2)}\n`

/** Adds the digest to a manifest, normalised through JSON. Errors: INTERNAL for numbers that JSON cannot represent. */
export const seal = (fields: Omit<Manifest, 'digest'>): Manifest =>
  JSON.parse(JSON.stringify({ ...fields, digest: jsonHash(withoutDigest(fields)) }))

const isFileRecord = (record: unknown) =>
  isRecord(record) &&
  /^[0-9a-f]{64}$/.test(String(record.sha256)) &&
  Number.isSafeInteger(record.bytes) &&
  (record.bytes as number) >= 0

/** Reads a small file. Errors: BAD_CHECKPOINT if it is missing, not a plain file or larger than `limit`. */
export async function readText(path: string, limit: number): Promise<string> {
  const found = await lstat(path).catch((cause) => {
    throw damagedFile(path, 'a file', 'none', cause)
  })
  if (!found.isFile()) throw damagedFile(path, 'a plain file', 'something else')
  if (found.size > limit) throw damagedFile(path, `at most ${limit} bytes`, `${found.size} bytes`)
  return readFile(path, 'utf8')
}

/** Reads a manifest and checks its digest; also returns the SHA-256 of its text. Errors: BAD_CHECKPOINT. */
export async function readManifest(folder: string): Promise<{ manifest: Manifest; sha256: string }> {
  const path = join(folder, MANIFEST)
  const text = await readText(path, 1 << 28)
  let manifest: Manifest
  let digest: string
  try {
    manifest = parseJson(text, DEFAULT_LIMITS.jsonDepth, { python: false }) as Manifest
    digest = jsonHash(withoutDigest(manifest))
  } catch (cause) {
    throw damagedFile(path, 'a manifest in JSON', (cause as Error).message, cause)
  }
  if (manifest?.version !== 1) throw damagedFile(path, 'version 1', `version ${shown(manifest?.version)}`)
  if (digest !== manifest.digest) throw damagedFile(path, `digest ${shown(manifest.digest)}`, digest)
  if (manifestText(manifest) !== text) throw damagedFile(path, 'the text as written', 'another layout')
  const { generation, files } = manifest
  const sound = Number.isSafeInteger(generation) && generation > 0 && isRecord(files)
  if (!sound || !Object.entries(files).every(([name, record]) => isFileName(name) && isFileRecord(record))) {
    throw damagedFile(path, 'a generation and its files', 'something else')
  }
  const fault = manifestFault(manifest)
  if (fault !== undefined) throw damagedFile(path, ...fault)
  return { manifest, sha256: textHash(text) }
}

/** Returns hash and size of a file. */
export async function recordOf(path: string): Promise<FileRecord> {
  return { sha256: await sha256(path), bytes: (await lstat(path)).size }
}

/** Checks a file against its record; without `deep`, a file above 1 MiB by size only. Errors: BAD_CHECKPOINT. */
export async function checkFile(path: string, record: FileRecord, deep: boolean): Promise<void> {
  const found = await lstat(path).catch((cause) => {
    throw damagedFile(path, 'a file', 'none', cause)
  })
  if (!found.isFile()) throw damagedFile(path, 'a plain file', 'something else')
  if (found.size !== record.bytes) throw damagedFile(path, `${record.bytes} bytes`, `${found.size} bytes`)
  if (!deep && record.bytes > 1 << 20) return
  const received = await sha256(path).catch((cause) => {
    throw damagedFile(path, 'a file that can be read', (cause as Error).message, cause)
  })
  if (received !== record.sha256) throw damagedFile(path, `SHA-256 ${record.sha256}`, received)
}
