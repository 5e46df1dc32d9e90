import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { damaged } from './read-file.js'

/** A cursor over the bytes of a pickle that never reads past their end. */
export class PickleReader {
  /** Work beyond the operations themselves. Units: bytes processed one by one. */
  work = 0
  constructor(
    readonly owner: string,
    readonly bytes: Buffer,
    public at: number,
    readonly limits: Limits = DEFAULT_LIMITS,
  ) {}
  fail(sentence: string, cause?: unknown): Error {
    return damaged(this.owner, `its pickle is damaged near byte ${this.at}: ${sentence}`, cause)
  }
  /** The next n bytes, in place. */
  take(n: number): Buffer {
    if (!(n >= 0 && n <= this.bytes.length - this.at))
      throw this.fail(`it claims ${n} bytes but ${this.bytes.length - this.at} are left`)
    this.at += n
    return this.bytes.subarray(this.at - n, this.at)
  }
  u8(): number {
    return this.take(1)[0]!
  }
  u32(): number {
    return this.take(4).readUInt32LE()
  }
  /** A 64-bit length; `take` refuses one beyond the end. */
  u64(): number {
    return Number(this.take(8).readBigUInt64LE())
  }
  /** The text up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at)
    if (end < 0 || end - this.at > this.limits.pickleLineBytes) throw this.fail('a line does not end')
    const text = this.bytes.toString('latin1', this.at, end)
    this.work += text.length
    this.at = end + 1
    return text
  }
}

/** Parses a little-endian two's-complement integer of any length; a bigint only when a number would not be exact. */
export function longFrom(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0
  if (bytes.length <= 6) return bytes.readIntLE(0, bytes.length)
  if (bytes.length === 8) return exact(bytes.readBigInt64LE())
  const hex = Buffer.from(bytes).reverse().toString('hex')
  return exact(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)))
}

/** Parses a decimal integer, `12` or `12L`, of at most `digits`; undefined for any other text. */
export const longOf = (text: string, digits: number): number | bigint | undefined =>
  text.length <= digits + 2 && /^-?\d+L?$/.test(text) ? exact(BigInt(text.replace('L', ''))) : undefined

const exact = (value: bigint): number | bigint => {
  const narrow = Number(value)
  return Number.isSafeInteger(narrow) ? narrow : value
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', a: '\x07', b: '\b', f: '\f', v: '\v' }

/** Decodes the backslash escapes of a quoted text. */
export const unquote = (text: string): string =>
  text.replace(/\\(?:x([\da-fA-F]{2})|(.))/gs, (_, hex: string | undefined, c: string) =>
    hex === undefined ? (ESCAPES[c] ?? c) : String.fromCharCode(Number.parseInt(hex, 16)),
  )

/** Decodes Python's raw-unicode-escape. */
export const rawUnicode = (text: string): string =>
  text.replace(/\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8}))/g, (_, u: string | undefined, U: string) =>
    String.fromCodePoint(Math.min(0x10ffff, Number.parseInt(u ?? U, 16))),
  )
