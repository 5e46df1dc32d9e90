import { isUtf8 } from 'node:buffer'
import { foreignEncoding } from '../../files/json.js'
import { notUtf8 } from '../../files/not-utf8.js'
import { damaged } from '../../files/read-file.js'

/** Fix for a text that is not UTF-8, where the encoding can be named. */
export const FIX = 'save the file as UTF-8, or name its encoding with --encoding, for example windows-1252'

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
    if (!isUtf8(bytes)) throw notUtf8(path, bytes, FIX)
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
