import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeRun, showRun } from '../checkpoint/list-runs.js'
import { isRun } from '../checkpoint/run-folder.js'
import { CONFIG, HISTORY } from '../checkpoint/run-manifest.js'
import { lockHolder } from '../files/lock.js'
import type { JournalEntry, Told } from './journal-entry.js'
import { evaluationOf, runsOf } from './perform-run.js'

/** Removes the checkpoints of runs that nothing needs; their history and options stay in the folder of their evaluation. */
export async function pruneRuns(
  folder: string,
  losers: readonly string[],
  entries: readonly JournalEntry[],
  append: (told: Told) => void,
): Promise<void> {
  const removed = new Set(entries.flatMap((entry) => (entry.type === 'removed' ? [entry.id] : [])))
  for (const id of losers.filter((loser) => !removed.has(loser))) {
    const run = join(runsOf(folder), id)
    if ((await lockHolder(run)) !== undefined) continue
    let bytes = 0
    if (await isRun(run)) {
      bytes = (await showRun(run, runsOf(folder), { deep: false })).bytes
      const kept = evaluationOf(folder, id)
      await mkdir(kept, { recursive: true })
      for (const name of [HISTORY, CONFIG]) await copyFile(join(run, name), join(kept, name)).catch(() => {}) // a damaged run may lack them
      await removeRun(run)
    }
    append({ type: 'removed', id, bytes })
  }
}
