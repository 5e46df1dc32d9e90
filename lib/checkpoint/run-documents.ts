import { basename, join } from 'node:path'
import { jsonFault, parseJson } from '../files/json.js'
import { DEFAULT_LIMITS } from '../files/limits.js'
import { damagedFile, readText } from './manifest.js'
import { historyFault, isRecord } from './manifest-types.js'
import { HISTORY, type History } from './run-manifest.js'

/** Reads a JSON document of a run, and checks its types, which a valid hash does not guarantee. Errors: BAD_CHECKPOINT. */
export async function readDocument(path: string): Promise<Record<string, unknown>> {
  const text = await readText(path, 1 << 28)
  let document: unknown
  try {
    document = parseJson(text, DEFAULT_LIMITS.jsonDepth, { python: false })
  } catch (cause) {
    throw damagedFile(path, 'JSON', jsonFault(cause), cause)
  }
  if (!isRecord(document)) throw damagedFile(path, 'an object', 'something else')
  const fault = basename(path) === HISTORY ? historyFault(document) : undefined
  if (fault !== undefined) throw damagedFile(path, ...fault)
  return document
}

/** Reads the history of a run. Errors: BAD_CHECKPOINT. */
export async function readHistory(folder: string): Promise<History> {
  const path = join(folder, HISTORY)
  const document = await readDocument(path)
  if (!Array.isArray(document.history)) throw damagedFile(path, 'a list as history', 'none')
  return document as unknown as History
}
