import { parentPort, workerData } from 'node:worker_threads'
import { asLvmError } from '../errors.js'
import { speakShell } from '../hints.js'
import type { ThreadAnswer, ThreadTask } from './convert.js'
import { openTable } from './open-table.js'
import { rolesOf } from './table.js'
import { writeRows } from './write-rows.js'

/** Rows between two messages about the progress. */
const STEP = 4096

const { source, to, limits, inShell } = workerData as ThreadTask
const say = (answer: ThreadAnswer) => parentPort!.postMessage(answer)
if (inShell) speakShell()
try {
  const table = await openTable(source.file, limits)
  let told = 0
  const written = await writeRows(table, rolesOf(table, source.selection), to, (rows) => {
    if (rows - told < STEP) return
    told = rows
    say({ rows })
  })
  say({ written })
} catch (thrown) {
  const { code, message, commandHint: hint } = asLvmError(thrown)
  say({ failed: { code, message, hint } })
}
