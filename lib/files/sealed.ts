import { LvmError } from '../errors.js'
import { jsonHash } from './hash.js'

/** Whether a results file is what was written: it has the right digest, or another one; files of earlier versions have none. */
export type Seal = 'whole' | 'broken' | 'none'

/** A results file as text; its last key is a digest of all the rest. */
export function sealedText(document: object): string {
  const { digest: _, ...content } = JSON.parse(JSON.stringify(document)) as Record<string, unknown>
  return `${JSON.stringify({ ...content, digest: jsonHash(content) }, null, 2)}\n`
}

/** What a results file holds, without its digest. Errors: DATA_FORMAT for what is no JSON object. */
export function unsealed(path: string, text: string): { document: Record<string, unknown>; seal: Seal } {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {}
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new LvmError('DATA_FORMAT', `${path}: expected a JSON object but received something else`, {
      hint: 'move the file away and run the command that writes it again',
    })
  const { digest, ...document } = parsed as Record<string, unknown>
  return { document, seal: digest === undefined ? 'none' : digest === jsonHash(document) ? 'whole' : 'broken' }
}

/** Errors: DATA_FORMAT, always. */
export function refuseChanged(path: string): never {
  throw new LvmError('DATA_FORMAT', `${path}: expected what its digest says but it was changed after it was written`, {
    hint: 'restore the file, or move it away and run the command that writes it again',
  })
}

/** The content of a results file. Errors: DATA_FORMAT for what is no JSON object, or was changed after it was written. */
export function wholeDocument(
  path: string,
  text: string,
  changed: (path: string) => void = refuseChanged,
): Record<string, unknown> {
  const { document, seal } = unsealed(path, text)
  if (seal === 'broken') changed(path)
  return document
}
