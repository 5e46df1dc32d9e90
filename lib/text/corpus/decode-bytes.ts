import { isUtf8 } from 'node:buffer'
import type { LvmError } from '../../errors.js'
import { foreignEncoding } from '../../files/json.js'
import { damaged } from '../../files/read-file.js'
import { count } from '../../show.js'

const FIX = 'save the file as UTF-8, or name its encoding with --encoding, for example windows-1252'

/** Offset of the first byte that is not UTF-8. */
export function firstInvalid(bytes: Buffer): number {
  const repaired = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === repaired[at]) at++
  while (at > 0 && at < repaired.length && (repaired[at]! & 0xc0) === 0x80) at-- // U+FFFD may begin like the bytes that it replaces
  return at
}

/** Makes the error for bytes that are not UTF-8, with the place of the first one. */
export function notUtf8(
  path: string,
  bytes: Buffer,
  before: { bytes: number; lines: number } = { bytes: 0, lines: 0 },
): LvmError {
  const at = firstInvalid(bytes)
  const line = before.lines + bytes.subarray(0, at).reduce((n, byte) => n + (byte === 10 ? 1 : 0), 1)
  return damaged(path, `byte ${count(before.bytes + at)}, in line ${count(line)}, is not UTF-8`, undefined, FIX)
}

/** Encoding that a byte order mark names; undefined without one. */
function marked(bytes: Buffer): string | undefined {
  if (bytes.toString('hex', 0, 3) === 'efbbbf') return 'utf-8'
  const encoding = foreignEncoding(bytes)
  if (encoding !== 'UTF-16') return undefined
  return bytes[0] === 0xff ? 'utf-16le' : 'utf-16be'
}

/**
 * Decodes the bytes of a text; a byte order mark comes before `encoding`.
 *
 * Errors: DATA_FORMAT with the offset of the first byte that is not in the encoding.
 */
export function decodeBytes(path: string, bytes: Buffer, encoding: string): string {
  const used = marked(bytes) ?? encoding
  const foreign = foreignEncoding(bytes)
  if (used === 'utf-8') {
    if (foreign !== undefined) throw damaged(path, `expected UTF-8 but it is ${foreign}`, undefined, FIX)
    if (!isUtf8(bytes)) throw notUtf8(path, bytes)
    return bytes.toString('utf8').replace(/^\ufeff/, '')
  }
  try {
    return new TextDecoder(used, { fatal: true }).decode(bytes)
  } catch (error) {
    throw damaged(path, `its bytes are not ${used}`, error, FIX)
  }
}

/** Name of an encoding as `TextDecoder` knows it; undefined for an unknown one. */
export function knownEncoding(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}
