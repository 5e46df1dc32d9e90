// Runs in its own process (export.ts): reads the exported file without any state of the writer and compares its outputs with the run.
import { asLvmError } from '../errors.js'
import { compare } from './compare-export.js'
import type { Format } from './export-fields.js'
import type { Runtime } from './onnx/runtime.js'

const [run, path, format, runtime] = process.argv.slice(2) as [string, string, Format, string?]
compare(run, path, format, runtime === undefined ? undefined : (JSON.parse(runtime) as Runtime)).then(
  (comparison) => process.stdout.write(JSON.stringify({ ok: true, value: comparison })),
  (error) => {
    const { code, message, commandHint: hint } = asLvmError(error)
    process.stdout.write(JSON.stringify({ ok: false, code, message, hint }))
    process.exitCode = 1
  },
)
