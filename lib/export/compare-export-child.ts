// Run in a process of its own (lib/export/export.ts): what was written is read as a stranger would, before it gets its name.
import { asLvmError } from '../errors.js'
import { compare } from './compare-export.js'
import type { Format } from './export-fields.js'

const [run, path, format] = process.argv.slice(2) as [string, string, Format]
compare(run, path, format).then(
  (comparison) => process.stdout.write(JSON.stringify({ ok: true, value: comparison })),
  (error) => {
    const { code, message, commandHint: hint } = asLvmError(error)
    process.stdout.write(JSON.stringify({ ok: false, code, message, hint }))
    process.exitCode = 1
  },
)
