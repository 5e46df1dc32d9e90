import { constants } from 'node:os'
import { ERRORS, type ErrorCode } from './error-codes.js'
import { forPrograms, optionName } from './hints.js'

export { ERRORS, type ErrorCode } from './error-codes.js'

/** A deliberate failure of lvm-torch, with a code and a hint. */
export class LvmError extends Error {
  override readonly name = 'LvmError'
  readonly code: ErrorCode
  /** The fix, in terms of the library's functions and options. */
  readonly hint: string
  /** The fix, in terms of commands and flags; every throw site writes this form. */
  readonly commandHint: string
  /** Whether another process of a data-parallel training prints this error. */
  reported = false
  constructor(code: ErrorCode, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(message, options)
    this.code = isErrorCode(code) ? code : 'INTERNAL'
    this.commandHint = options.hint ?? ERRORS[this.code].hint
    this.hint = forPrograms(this.commandHint)
  }
  /** Exit code of the command line. */
  get exit(): number {
    return ERRORS[this.code].exit
  }
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code)

/** Shortens text to at most `most` characters; an ellipsis marks the cut. */
export const cut = (text: string, most = 80): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`

const LONGEST = 80
const nameOf = (value: object): string => {
  const prototype: { constructor?: { name?: unknown } } | null = Object.getPrototypeOf(value)
  return prototype === null ? 'Object' : cut(String(prototype.constructor?.name ?? 'object'), 40)
}

/** Writes a value as source code, cut to `LONGEST` characters; getters and proxies of the user may run and throw here. */
function sketch(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST))
  if (typeof value === 'bigint') return value > -(2n ** 128n) && value < 2n ** 128n ? `${value}n` : 'a bigint beyond 2^128'
  if (typeof value === 'function') return `a function ${cut(String(value.name), 40)}`.trimEnd()
  if (typeof value !== 'object' || value === null) return String(value)
  const list = Array.isArray(value)
  const name = nameOf(value)
  if (ArrayBuffer.isView(value)) return `${name} of ${value.byteLength} bytes`
  if (!list && name !== 'Object') return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`
  if (depth === 0) return list ? '[…]' : '{…}'
  const keys = list ? Array.from({ length: Math.min(value.length, LONGEST) }, (_, i) => String(i)) : Object.keys(value)
  const parts: string[] = []
  for (let length = 0; length <= LONGEST && parts.length < keys.length; length += parts.at(-1)!.length) {
    const key = keys[parts.length]!
    const item = sketch((value as Record<string, unknown>)[key], depth - 1)
    parts.push(list ? item : `${JSON.stringify(cut(key))}:${item}`)
  }
  return list ? `[${parts.join(',')}]` : `{${parts.join(',')}}`
}

/** Formats a value for a sentence in at most 80 characters: strings in quotes, NaN and Infinity by name. */
export function shown(value: unknown): string {
  try {
    return cut(sketch(value, 2), LONGEST)
  } catch {
    return `a ${typeof value} that cannot be read`
  }
}

/** Makes the error for an invalid option: «owner: expected X for "key" but received Y». */
export const badOption = (owner: string, key: string, expected: string, actual: unknown, hint?: string): LvmError =>
  new LvmError(
    'BAD_OPTION',
    `${owner}: expected ${expected} for "${cut(optionName(key))}" but received ${shown(actual)}`,
    hint === undefined ? {} : { hint },
  )

/** Reads a text property of a thrown value of any type. */
function property(thrown: unknown, key: 'code' | 'message' | 'path' | 'syscall'): string | undefined {
  try {
    const value: unknown = (thrown as Record<string, unknown> | null | undefined)?.[key]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** Our code for each system error; all others are INTERNAL. */
const SYSTEM: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'FILE_MISSING',
  ...Object.fromEntries(['ENOSPC', 'EDQUOT', 'EFBIG'].map((code) => [code, 'NO_DISK'] as const)),
  ...Object.fromEntries(['EMFILE', 'ENFILE'].map((code) => [code, 'OPEN_FILES'] as const)),
  ...Object.fromEntries(['ENOMEM', 'ENOBUFS'].map((code) => [code, 'OUT_OF_MEMORY'] as const)),
  ...Object.fromEntries(
    'EACCES EPERM EROFS EIO EBUSY ETXTBSY EISDIR ERR_FS_EISDIR ENOTDIR ENOTEMPTY EEXIST ENAMETOOLONG ELOOP EXDEV ESTALE ENXIO ENODEV EMLINK ENOTSUP'
      .split(' ')
      .map((code) => [code, 'FILE_ACCESS'] as const),
  ),
}

/** Our code for a system error; Node names some of them only by number. */
function systemCode(error: unknown): ErrorCode | undefined {
  const code = property(error, 'code')
  if (code === 'ENOENT' && property(error, 'syscall') === 'mkdir') return 'FILE_ACCESS' // Node reports a read-only disk this way
  const number = /^Unknown system error -(\d+)$/.exec(code ?? '')?.[1]
  const named = number === undefined ? code : Object.entries(constants.errno).find(([, errno]) => errno === Number(number))?.[0]
  return named !== undefined && Object.hasOwn(SYSTEM, named) ? SYSTEM[named] : undefined
}

/** The message of an error; a missing file gets our own sentence, because Node's names the system call. */
function messageOf(error: unknown): string {
  const path = property(error, 'code') === 'ENOENT' ? property(error, 'path') : undefined
  return path === undefined ? (property(error, 'message') ?? shown(error)) : `${path}: there is no such file or folder`
}

/** Turns a system error into an LvmError that says which action failed; returns any other error unchanged. */
export function fileError(error: unknown, doing: string): unknown {
  const code = error instanceof LvmError ? undefined : systemCode(error)
  return code === undefined ? error : new LvmError(code, `${doing}: ${messageOf(error)}`, { cause: error })
}

/** Turns any thrown value into an LvmError: itself, an error with a known code, or INTERNAL with the cause kept. */
export function asLvmError(error: unknown): LvmError {
  if (error instanceof LvmError) return error
  const code = property(error, 'code')
  const message = messageOf(error)
  if (isErrorCode(code)) return new LvmError(code, message, { cause: error })
  return new LvmError(systemCode(error) ?? 'INTERNAL', message, { cause: error })
}
