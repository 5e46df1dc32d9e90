import { LvmError } from '../errors.js'
import { jsonHash } from './hash.js'

/** Digest check of a results file: correct, wrong, or no digest (files of earlier versions). */
export type Seal = 'whole' | 'broken' | 'none'

/** Writes a results file as text; its last key is a digest of all other keys. */
export function sealedText(document: object): string {
  const { digest: _, ...content } = JSON.parse(JSON.stringify(document)) as Record<string, unknown>
  return `${JSON.stringify({ ...content, digest: jsonHash(content) }, null, 2)}\n`
}

/** Parses a results file and removes its digest. Errors: DATA_FORMAT when it is not a JSON object. */
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

/** Throws the error for a results file that was modified. Errors: DATA_FORMAT. */
export function refuseChanged(path: string): never {
  throw new LvmError('DATA_FORMAT', `${path}: expected contents that match its digest but it was changed after it was written`, {
    hint: 'restore the file, or move it away and run the command that writes it again',
  })
}

/** Content of a results file. Errors: DATA_FORMAT when it is not a JSON object or was modified after it was written. */
export function wholeDocument(
  path: string,
  text: string,
  changed: (path: string) => void = refuseChanged,
): Record<string, unknown> {
  const { document, seal } = unsealed(path, text)
  if (seal === 'broken') changed(path)
  return document
}
