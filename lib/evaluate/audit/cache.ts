import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceText } from '../../checkpoint/durable.js'
import type { Base } from '../../data/base.js'
import type { Level } from './findings.js'

/** Rises whenever a finding would come out differently. */
const VERSION = 2

/** What a training keeps of an audit. */
export interface Verdict {
  readonly verdict: Level
  /** Codes of what is not sound, the worst first. */
  readonly codes: readonly { readonly code: string; readonly level: Level; readonly message: string }[]
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Changes with anything that an audit depends on. */
export const auditKey = (base: Base, against: readonly Base[], context: number, cross: boolean): string =>
  sha256(JSON.stringify([VERSION, context, cross, ...[base, ...against].map((b) => [b.hash, b.part, b.normalized, b.space])]))

const fileName = (key: string) => `audit-${key.slice(0, 16)}.json`

/** A verdict that was stored under a key; undefined when there is none or the file is not as it was written. */
export async function readVerdict(folder: string, key: string): Promise<Verdict | undefined> {
  try {
    const stored = JSON.parse(await readFile(join(folder, fileName(key)), 'utf8')) as {
      key: string
      digest: string
      found: Verdict
    }
    return stored.key === key && stored.digest === sha256(JSON.stringify(stored.found)) ? stored.found : undefined
  } catch {
    return undefined
  }
}

/** Stores a verdict for the next training. A folder that cannot be written only costs time then. */
export async function writeVerdict(folder: string, key: string, found: Verdict): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await replaceText(folder, fileName(key), JSON.stringify({ key, digest: sha256(JSON.stringify(found)), found }))
  } catch {}
}
