import { mkdir } from 'node:fs/promises'
import { CONTROL, type Control, controlDoor } from '../control.js'
import type { Base } from '../data/base.js'
import { type Data, mainData, pathOf, type WithData } from '../data/given-data.js'
import { type OpenOptions, openBase } from '../data/open.js'
import { callback, only, optional, withFields, words } from '../door.js'
import { badOption } from '../errors.js'
import { sealedText } from '../files/sealed.js'
import { replaceText } from '../files/write.js'
import { type Given, resolve } from '../options.js'
import type { EncoderOptions } from '../text/encoders/encoder-fields.js'
import { encoderFields } from '../text/encoders/encoder-fields.js'
import { checkSpace, type SpaceCheck } from '../text/space/check-space.js'
import { openEncoderFor } from '../text/space/encoder-of-base.js'
import { type Audit, auditBase } from './audit.js'
import { auditFields } from './audit-fields.js'

export const AUDIT = 'audit.json'

/** Options of `audit`: the file, other files to compare it with, and any field of `auditFields`. */
export interface AuditOptions extends WithData<Given<typeof auditFields>> {
  /** Vectors to audit. */
  readonly data: Data
  /** Files that may share rows or articles with it. */
  readonly against?: readonly string[]
}

type Listener = Control & { say?: (doing: string) => void }
const ARGS = {
  options: withFields({ data: mainData, against: optional(words) }),
  more: only({ say: optional(callback), ...CONTROL }),
}

/** The options of the encoder that were given. Errors: BAD_OPTION for one without an encoder. */
function encodingOf(given: Given<typeof auditFields>): EncoderOptions {
  const keys = (Object.keys(encoderFields) as (keyof EncoderOptions)[]).filter((key) => given[key] !== undefined)
  if (keys[0] !== undefined && given.encoder === undefined)
    throw badOption('data audit', keys[0], 'no such option without an encoder', given[keys[0]], 'add --encoder FOLDER')
  return Object.fromEntries(keys.map((key) => [key, given[key]]))
}

/** Encodes some texts again and compares. Errors: those of checkSpace and Encoder.open. */
async function spaceOf(base: Base, wanted: string, encoding: EncoderOptions, say: Listener['say']): Promise<SpaceCheck> {
  say?.(`encoding some texts again with ${wanted}`)
  using encoder = await openEncoderFor(wanted, base.encoder, encoding)
  return await checkSpace({ base, encoder })
}

/**
 * Audits a file of vectors and compares it with other files.
 *
 * A file with training and validation sequences is also compared with its own other half.
 * With `encoder` some texts are first encoded again: SPACE_MISMATCH when the vectors are not from it.
 * Errors: FILE_MISSING, DATA_FORMAT, DATA_UNSAFE, DATA_SHAPE, TEXT_MISSING, those of Encoder.open; all other faults are returned as findings.
 */
export const audit = controlDoor('audit', ARGS, async (options: AuditOptions, { say }: Listener = {}): Promise<Audit> => {
  const { data, against = [], ...given } = options
  const { space, part, context, out, encoder } = resolve('data audit', auditFields, given)
  const opened: Base[] = []
  const open = async (path: string, options: OpenOptions = {}) => {
    const base = await openBase(path, { ...options, faulty: true })
    opened.push(base)
    return base
  }
  try {
    say?.(`reading ${pathOf(data)}`)
    const encoding = encodingOf(given)
    const base = await open(pathOf(data), { space, ...(part !== undefined && { part: part as 'train' | 'val' }) })
    const others: Base[] = []
    for (const half of base.parts) if (half !== base.part) others.push(await open(pathOf(data), { space, part: half }))
    for (const path of against) others.push(await open(path))
    const measured = encoder === undefined ? null : await spaceOf(base, encoder, encoding, say)
    const audited = await auditBase(base, { context, against: others, ...(say && { say }) })
    const document: Audit = { ...audited, encoder: measured }
    if (out !== undefined) {
      await mkdir(out, { recursive: true })
      await replaceText(out, AUDIT, sealedText(document))
    }
    return document
  } finally {
    for (const base of opened) base.dispose()
  }
})
