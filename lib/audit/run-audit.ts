import { mkdir } from 'node:fs/promises'
import type { Base } from '../data/base.js'
import { type OpenOptions, openBase } from '../data/open.js'
import { asyncDoor, callback, only, optional, withFields, word, words } from '../door.js'
import { sealedText } from '../files/sealed.js'
import { replaceText } from '../files/write.js'
import { type Given, resolve } from '../options.js'
import { type Audit, auditBase } from './audit.js'
import { auditFields } from './audit-fields.js'

export const AUDIT = 'audit.json'

/** Options of `audit`: the file, other files to compare it with, and any field of `auditFields`. */
export interface AuditOptions extends Given<typeof auditFields> {
  /** File of vectors. */
  readonly data: string
  /** Files that may share rows or articles with it. */
  readonly against?: readonly string[]
}

type Listener = { say?: (doing: string) => void }
const ARGS = { options: withFields({ data: word, against: optional(words) }), more: only({ say: optional(callback) }) }

/**
 * Audits a file of vectors and compares it with other files.
 *
 * A file with training and validation sequences is also compared with its own other half.
 * Errors: FILE_MISSING, DATA_FORMAT, DATA_UNSAFE, DATA_SHAPE; all other faults are returned as findings.
 */
export const audit = asyncDoor('audit', ARGS, async (options: AuditOptions, { say }: Listener = {}): Promise<Audit> => {
  const { data, against = [], ...given } = options
  const { space, part, context, out } = resolve('data audit', auditFields, given)
  const opened: Base[] = []
  const open = async (path: string, options: OpenOptions = {}) => {
    const base = await openBase(path, { ...options, faulty: true })
    opened.push(base)
    return base
  }
  try {
    say?.(`reading ${data}`)
    const base = await open(data, { space, ...(part !== undefined && { part: part as 'train' | 'val' }) })
    const others: Base[] = []
    for (const half of base.parts) if (half !== base.part) others.push(await open(data, { space, part: half }))
    for (const path of against) others.push(await open(path))
    const document = await auditBase(base, { context, against: others, ...(say && { say }) })
    if (out !== undefined) {
      await mkdir(out, { recursive: true })
      await replaceText(out, AUDIT, sealedText(document))
    }
    return document
  } finally {
    for (const base of opened) base.dispose()
  }
})
