import { join } from 'node:path'
import { metricsOf } from '../train/log/metrics-log.js'
import type { LiveRuns } from '../train/watch/live-runs.js'
import type { ToldEvent } from './experiment-events.js'
import type { RunEnd } from './journal-entry.js'
import { runsOf } from './perform-run.js'

/** Shows the ended runs of an experiment, with the curves of those that are not pruned. */
export async function recallRuns(live: LiveRuns, folder: string, ends: readonly RunEnd[], expected: number): Promise<void> {
  live.expect(expected)
  for (const end of ends) {
    live.enter(end.id, end)
    await live.recall(end.id, metricsOf(join(runsOf(folder), end.id)))
  }
}

/** Shows an event of an experiment. */
export function follow(live: LiveRuns, event: ToldEvent): void {
  if (event.type === 'training') {
    if (event.event.type === 'start') live.enter(event.id, { state: 'training' })
    live.hear(event.id, event.event)
  }
  if (event.type === 'run') {
    live.expect(event.of)
    live.enter(event.run.id, event.run)
  }
}
