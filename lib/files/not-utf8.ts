import type { LvmError } from '../errors.js'
import { count } from '../show.js'
import { damaged } from './read-file.js'

/** Offset of the first byte that is not UTF-8. */
function firstInvalid(bytes: Buffer): number {
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
  fix: string,
  before: { bytes: number; lines: number } = { bytes: 0, lines: 0 },
): LvmError {
  const at = firstInvalid(bytes)
  const line = before.lines + bytes.subarray(0, at).reduce((n, byte) => n + (byte === 10 ? 1 : 0), 1)
  return damaged(path, `byte ${count(before.bytes + at)}, in line ${count(line)}, is not UTF-8`, undefined, fix)
}
