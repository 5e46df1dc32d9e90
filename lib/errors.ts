import { constants } from 'node:os'
import { forPrograms } from './hints.js'

/** Every failure lvm-torch reports on purpose: what it means for the shell, and what to do about it there. One table, nowhere else. */
export const ERRORS = {
  BAD_OPTION: {
    exit: 2,
    about: 'an option is unknown, out of range or without effect',
    hint: 'run the same command with --help',
  },
  BAD_SPEC: { exit: 2, about: 'the options do not describe a model that can be built', hint: 'run: lvm-torch models show NAME' },
  RUN_EXISTS: {
    exit: 2,
    about: 'the run folder already holds a run',
    hint: 'use --resume to go on, --name for another folder or --overwrite',
  },
  RUN_LOCKED: { exit: 2, about: 'another process is writing this run', hint: 'wait for it, or choose another --name' },
  RUN_MISSING: { exit: 2, about: 'there is no run of that name', hint: 'run: lvm-torch runs list' },
  FILE_MISSING: { exit: 2, about: 'a file or folder that was named is not there', hint: 'check the path' },
  NO_DISK: { exit: 2, about: 'there is not enough free disk space', hint: 'free some space or choose another folder' },
  FILE_ACCESS: {
    exit: 2,
    about: 'a file or folder cannot be read or written',
    hint: 'check the rights of the file and its folder, and that its disk is there and can be written',
  },
  OPEN_FILES: {
    exit: 2,
    about: 'the limit of open files is reached',
    hint: 'close other programs, or raise the limit, for example with: ulimit -n 4096',
  },
  DATA_FORMAT: {
    exit: 3,
    about: 'a data file is damaged, truncated or in a form that is not read',
    hint: 'run: lvm-torch data inspect FILE',
  },
  DATA_UNSAFE: {
    exit: 3,
    about: 'a file holds code or objects that loading would run',
    hint: 'only load files from people you trust; convert it where it was made',
  },
  DATA_SHAPE: { exit: 3, about: 'arrays in a data file do not fit together', hint: 'run: lvm-torch data inspect FILE' },
  DATA_NOT_FINITE: { exit: 3, about: 'a vector holds NaN or Inf', hint: 'remove or re-encode the rows that are named' },
  DATA_ZERO: { exit: 3, about: 'a vector is all zeros', hint: 'remove or re-encode the rows that are named' },
  DATA_DUPLICATE_KEY: {
    exit: 3,
    about: 'two rows claim the same article and position',
    hint: 'remove one of the rows that are named',
  },
  DATA_ORDER: {
    exit: 3,
    about: 'the rows of an article are apart or out of order',
    hint: 'sort the rows by article, then by position',
  },
  DATA_SHARED_ARTICLE: {
    exit: 3,
    about: 'an article is in two parts of a split',
    hint: 'remove it from one file, or use --split windows',
  },
  DATA_ONE_ARTICLE: {
    exit: 3,
    about: 'a split by article needs at least two articles',
    hint: 'use --split windows (leaky), or data with article ids',
  },
  DATA_TOO_FEW: {
    exit: 3,
    about: 'there are fewer windows than the run needs',
    hint: 'use a smaller --batch-size or --context, or more data',
  },
  DATA_CHANGED: {
    exit: 3,
    about: 'a data file was changed while it was used',
    hint: 'leave the file as it is while it is used, then start again',
  },
  SPACE_MISMATCH: {
    exit: 3,
    about: 'vectors of different or unknown encoders would be mixed',
    hint: 'encode both with one encoder, and name it with --space',
  },
  BAD_CHECKPOINT: {
    exit: 3,
    about: 'a checkpoint is damaged, incomplete or not what its manifest says',
    hint: 'restore the file from a copy, or train the run again',
  },
  FOREIGN_FORWARD: {
    exit: 3,
    about: 'the weights load but the model no longer gives the outputs it was saved with',
    hint: 'use the lvm-torch version that the manifest names',
  },
  LIBTORCH_MISSING: { exit: 4, about: 'no usable libtorch was found', hint: 'run: npx lvm-torch libtorch install' },
  LIBTORCH_MISMATCH: {
    exit: 4,
    about: 'the libtorch that was found has another version',
    hint: 'run: npx lvm-torch libtorch install',
  },
  LIBTORCH_FETCH: {
    exit: 4,
    about: 'libtorch could not be fetched or unpacked',
    hint: 'run: npx lvm-torch libtorch install --from FILE.whl',
  },
  ADDON_MISSING: { exit: 4, about: 'the native addon is not there for this platform', hint: 'in a clone run: npm run build' },
  DEVICE_UNAVAILABLE: {
    exit: 5,
    about: 'the device that was named is not there',
    hint: 'use --device auto; for the devices that are here run: lvm-torch doctor',
  },
  OUT_OF_MEMORY: { exit: 6, about: 'there is not enough memory', hint: 'use a smaller --batch-size, model or --context' },
  DIVERGED: {
    exit: 7,
    about: 'the loss or a gradient became NaN or Inf',
    hint: 'use a smaller --lr, or --precision fp32; the last good checkpoint is kept',
  },
  GATE_FAILED: { exit: 8, about: 'a quality gate or an audit failed', hint: 'see what failed in the result or above' },
  BAD_ARGUMENT: {
    exit: 9,
    about: 'a value handed to the native side has the wrong type, shape or dtype',
    hint: 'check the value that the message names',
  },
  DISPOSED: { exit: 9, about: 'a handle was used after dispose()', hint: 'keep the handle until you are done with it' },
  NATIVE: {
    exit: 9,
    about: 'libtorch refused an operation',
    hint: 'this is a bug in lvm-torch unless you called an operator yourself',
  },
  INTERNAL: { exit: 9, about: 'something happened that should not', hint: 'please report it with the file that is named' },
  INTERRUPTED: { exit: 130, about: 'stopped by Ctrl-C', hint: 'go on with --resume' },
  TERMINATED: { exit: 143, about: 'stopped by SIGTERM', hint: 'go on with --resume' },
} as const

/** Callers branch on `code`; people read `message` and `hint`. */
export type ErrorCode = keyof typeof ERRORS

/** A failure that lvm-torch reports on purpose. */
export class LvmError extends Error {
  override readonly name = 'LvmError'
  readonly code: ErrorCode
  /** What mends it, in the words of a program. */
  readonly hint: string
  /** The same in the words of the command line, as every throw site gives it. */
  readonly commandHint: string
  constructor(code: ErrorCode, message: string, options: ErrorOptions & { hint?: string } = {}) {
    super(message, options)
    this.code = isErrorCode(code) ? code : 'INTERNAL'
    this.commandHint = options.hint ?? ERRORS[this.code].hint
    this.hint = forPrograms(this.commandHint)
  }
  /** What a shell should see as the exit code. */
  get exit(): number {
    return ERRORS[this.code].exit
  }
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code)

/** Text of at most `most` characters: of longer text the beginning, and that something is left out. */
export const cut = (text: string, most = 80): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`

const LONGEST = 80
const nameOf = (value: object): string => {
  const prototype: { constructor?: { name?: unknown } } | null = Object.getPrototypeOf(value)
  return prototype === null ? 'Object' : cut(String(prototype.constructor?.name ?? 'object'), 40)
}

/** A value as it would be written in a program, no more of it than can be shown; user code may run and throw here. */
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

/** How a value is shown in a sentence, in at most 80 characters: strings keep their quotes and numbers like NaN their names. */
export function shown(value: unknown): string {
  try {
    return cut(sketch(value, 2), LONGEST)
  } catch {
    return `a ${typeof value} that cannot be read`
  }
}

/** The one sentence for a bad option. */
export const badOption = (owner: string, key: string, expected: string, actual: unknown, hint?: string): LvmError =>
  new LvmError(
    'BAD_OPTION',
    `${owner}: expected ${expected} for "${cut(key)}" but received ${shown(actual)}`,
    hint === undefined ? {} : { hint },
  )

/** A property of something that was thrown, which may be anything. */
function property(thrown: unknown, key: 'code' | 'message' | 'path' | 'syscall'): string | undefined {
  try {
    const value: unknown = (thrown as Record<string, unknown> | null | undefined)?.[key]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** What an error of the system means; any other is INTERNAL. */
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

/** The code of ours for an error of the system; Node has no name for some of them, but all have a number. */
function systemCode(error: unknown): ErrorCode | undefined {
  const code = property(error, 'code')
  if (code === 'ENOENT' && property(error, 'syscall') === 'mkdir') return 'FILE_ACCESS' // so Node calls a disk that can only be read
  const number = /^Unknown system error -(\d+)$/.exec(code ?? '')?.[1]
  const named = number === undefined ? code : Object.entries(constants.errno).find(([, errno]) => errno === Number(number))?.[0]
  return named !== undefined && Object.hasOwn(SYSTEM, named) ? SYSTEM[named] : undefined
}

/** What an error says; of a file that is not there in our words, because Node's name the system call. */
function messageOf(error: unknown): string {
  const path = property(error, 'code') === 'ENOENT' ? property(error, 'path') : undefined
  return path === undefined ? (property(error, 'message') ?? shown(error)) : `${path}: there is no such file or folder`
}

/** An error of the system with a code of ours and what was being done; any other error as it is. */
export function fileError(error: unknown, doing: string): unknown {
  const code = error instanceof LvmError ? undefined : systemCode(error)
  return code === undefined ? error : new LvmError(code, `${doing}: ${messageOf(error)}`, { cause: error })
}

/** Any thrown value as an LvmError: itself, a coded native error, or INTERNAL with the cause kept. */
export function asLvmError(error: unknown): LvmError {
  if (error instanceof LvmError) return error
  const code = property(error, 'code')
  const message = messageOf(error)
  if (isErrorCode(code)) return new LvmError(code, message, { cause: error })
  return new LvmError(systemCode(error) ?? 'INTERNAL', message, { cause: error })
}
