import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { withoutPasswords } from '../lib/banks/bank-address.js'
import { asLvmError, LvmError } from '../lib/errors.js'
import { versions } from './package.js'

/** Writes a report for an internal error and names it in the hint; returns any other error unchanged. */
export function withReport(error: unknown): LvmError {
  const known = asLvmError(error)
  if (known.exit !== 9) return known
  let path: string
  try {
    const lines = [
      versions(),
      `${process.platform} ${process.arch}`,
      withoutPasswords(process.argv.join(' ')),
      `${known.code}: ${known.message}`,
      withoutPasswords(inspect(error, { depth: 4 })),
    ]
    path = join(mkdtempSync(join(tmpdir(), 'lvm-torch-report-')), 'report.txt') // a new folder, so that no other user can have placed a link there
    writeFileSync(path, `${lines.join('\n')}\n`, { flag: 'wx', mode: 0o600 })
  } catch {
    return known
  }
  return new LvmError(known.code, known.message, { cause: error, hint: `${known.commandHint} (report: ${path})` })
}
