import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { asLvmError, LvmError } from '../lib/errors.js'
import { versions } from './package.js'

/** An error that nobody foresaw, with a report written beside it and named in its hint; any other error as it is. */
export function withReport(error: unknown): LvmError {
  const known = asLvmError(error)
  if (known.exit !== 9) return known
  let path: string
  try {
    const lines = [
      versions(),
      `${process.platform} ${process.arch}`,
      process.argv.join(' '),
      `${known.code}: ${known.message}`,
      inspect(error, { depth: 4 }),
    ]
    path = join(mkdtempSync(join(tmpdir(), 'lvm-torch-report-')), 'report.txt') // a folder that nobody else can have made
    writeFileSync(path, `${lines.join('\n')}\n`, { flag: 'wx', mode: 0o600 })
  } catch {
    return known
  }
  return new LvmError(known.code, known.message, { cause: error, hint: `${known.commandHint} (report: ${path})` })
}
