import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Base } from '../data/base.js'
import { textHash } from '../files/hash.js'
import { replaceText } from '../files/write.js'
import type { Level } from './audit-findings.js'
import type { Drawn } from './leak.js'

/** Part of the cache key. Raise it when a change of code changes a finding. */
const VERSION = 7

/** The part of an audit that training caches. */
export interface Verdict {
  readonly verdict: Level
  /** Codes of the checks that did not pass, worst first. */
  readonly codes: readonly { readonly code: string; readonly level: Level; readonly message: string }[]
}

/** Hash of everything that an audit depends on. */
export function auditKey(base: Base, against: readonly Base[], o: { context: number; cross: boolean; split: Drawn }): string {
  const files = [base, ...against].map((b) => [b.hash, b.part, b.normalized, b.space])
  const hash = createHash('sha256').update(JSON.stringify([VERSION, o.context, o.cross, ...files]))
  const { mode, train, val, test = new Int32Array(0) } = o.split.split
  hash.update(JSON.stringify([mode, train.length, val.length]))
  for (const ids of [train, val, test]) hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength))
  return hash.digest('hex')
}

const fileName = (key: string) => `audit-${key.slice(0, 16)}.json`

/** Cached verdict for a key; undefined when there is none or the file's digest does not match. */
export async function readVerdict(folder: string, key: string): Promise<Verdict | undefined> {
  try {
    const stored = JSON.parse(await readFile(join(folder, fileName(key)), 'utf8')) as {
      key: string
      digest: string
      found: Verdict
    }
    return stored.key === key && stored.digest === textHash(JSON.stringify(stored.found)) ? stored.found : undefined
  } catch {
    return undefined
  }
}

/** Caches a verdict for the next training. Write errors are ignored: the next training audits again. */
export async function writeVerdict(folder: string, key: string, found: Verdict): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await replaceText(folder, fileName(key), JSON.stringify({ key, digest: textHash(JSON.stringify(found)), found }))
  } catch {}
}
