import { createRequire } from 'node:module'
import type { ErrorCode } from '../error-codes.js'
import { cut, fileError, LvmError } from '../errors.js'
import { withoutPasswords } from './bank-address.js'

const require = createRequire(import.meta.url)

/**
 * The client of a database, which is installed only where it is wanted. It is required, not imported: LanceDB requires apache-arrow, and
 * accepts tables of the same copy only.
 *
 * Errors: PACKAGE_MISSING.
 */
export function bankClient<T>(name: string, database: string): T {
  try {
    return require(name) as T
  } catch (cause) {
    throw new LvmError(
      'PACKAGE_MISSING',
      `bank: expected the package ${name}, which speaks to ${database}, but it is not installed`,
      {
        cause,
        hint: `run: npm install ${name}`,
      },
    )
  }
}

type Explained = readonly [matches: RegExp, code: ErrorCode, hint?: string]
/** Codes and messages of the clients and of the system. Source: PostgreSQL, «Appendix A. Error Codes». */
const KNOWN: readonly Explained[] = [
  [/^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET|EPIPE|08|57P|53300)|connection (terminated|ended)|timeout expired|timeout exceeded|not queryable/i, 'BANK_CONNECTION'],
  [/^(28|42501)|SASL|password must be a string/i, 'BANK_ACCESS'],
  [/"vector" is not available|type "vector" does not exist/i, 'BANK_EXTENSION'],
  [/^(3D000|42P01)|Table '.*' was not found/i, 'BANK_MISSING'],
  [/^53100|No space left/i, 'NO_DISK'],
] // biome-ignore format: one row each

/** The error of a database as one of ours, without passwords. */
export function bankError(url: string, error: unknown): LvmError {
  const system = fileError(error, url)
  const { code = '', message = String(error) } = (error ?? {}) as { code?: string; message?: string }
  if (error instanceof LvmError) return error
  const [line] = withoutPasswords(String(message)).split('\n')
  const known = KNOWN.find(([matches]) => matches.test(String(code)) || matches.test(String(message)))
  if (known === undefined && system instanceof LvmError) return system
  const said = line || code || 'no message'
  return new LvmError(
    known?.[1] ?? 'BANK_FAILED',
    `${url}: ${cut(said, 300)}`,
    known?.[2] === undefined ? {} : { hint: known[2] },
  )
}

/** Calls a database, whose errors become ours. */
export async function asking<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw bankError(url, error)
  }
}

/** A table of that name which no push has made. */
export const foreignTable = (url: string) =>
  new LvmError('BANK_MISMATCH', `${url}: expected no table, or one that a push has made, but found another one of that name`)
