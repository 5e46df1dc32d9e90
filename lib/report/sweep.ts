import { join } from 'node:path'
import { CONTROL, followed, type Control as LongControl } from '../control.js'
import { type Data, mainData, someData, type WithData } from '../data/given-data.js'
import { asyncDoor, callback, only, optional, withFields } from '../door.js'
import type { Given } from '../options.js'
import { tally } from '../stages.js'
import type { Sweep } from '../sweep/cells.js'
import { type CellEvent, runCells } from '../sweep/run-cells.js'
import type { sweepFields } from '../sweep/sweep-fields.js'
import { plan, type SweepPlan } from '../sweep/sweep-plan.js'
import { metricsOf } from '../train/log/metrics-log.js'
import type { LiveRuns } from '../train/watch/live-runs.js'
import { shownRuns } from '../train/watch/show-runs.js'
import { type WatchOption, watchOption } from '../train/watch/watch-fields.js'
import { report } from './report.js'

/** Options of `sweep`: any field of `sweepFields`. */
export interface SweepOptions extends WithData<Given<typeof sweepFields>, 'data' | 'val'> {
  readonly data: Data
}

/** Events of a sweep: progress, and the result at the end. */
export type SweepEvent =
  | CellEvent
  | { version: 1; type: 'watch'; url: string }
  | { version: 1; type: 'result'; sweep: Sweep; stopped: boolean; page: string; json: string; table: string; plots: string }

type Control = {
  signal?: AbortSignal
  /** Serves a page with the curves of all runs while they are trained, to this machine only, at the address of the event `watch`. */
  watch?: WatchOption
  tell?: (event: SweepEvent) => void
  say?: (line: string) => void
} & Pick<LongControl, 'onProgress'>
const ARGS = {
  options: withFields({ data: optional(mainData), val: optional(someData) }),
  control: only({ ...CONTROL, watch: optional(watchOption), tell: optional(callback), say: optional(callback) }),
}

/** Shows the cells of a sweep, with the curves of earlier calls. */
async function recallCells(live: LiveRuns, { o, sweep: { cells } }: SweepPlan): Promise<void> {
  live.expect(cells.length)
  for (const cell of cells) {
    live.enter(cell.run, cell)
    await live.recall(cell.run, metricsOf(join(o.out, cell.run)))
  }
}

/**
 * Trains and evaluates models one after the other, each in its own process, and writes the report.
 *
 * Called again with the same options, it resumes: complete cells are kept, failed ones are tried again.
 * Errors: BAD_OPTION; RUN_EXISTS. The error of a cell is recorded in the result.
 */
export const sweep = asyncDoor('sweep', ARGS, async (options: SweepOptions, control: Control = {}) => {
  const { signal, watch, tell = () => {}, say = () => {}, onProgress } = control
  const planned = await plan({ ...(options as Given<typeof sweepFields> & { data: string }) })
  const { o } = planned
  const page = { watch, title: `sweep · ${o.evaluation}`, tell: (url: string) => tell({ version: 1, type: 'watch', url }) }
  const { swept, stopped } = await shownRuns(page, async (change, live) => {
    if (live) await recallCells(live, planned)
    const hear = (event: SweepEvent) => {
      if (event.type === 'cell') tally(event.number, event.of)
      if (event.type === 'cell') change((live) => live.enter(event.cell.run, event.cell))
      if (event.type === 'training') change((live) => live.hear(event.run, event.event))
      tell(event)
    }
    const work = () => runCells(planned, { ...(signal && { signal }), tell: hear })
    return { swept: await followed(onProgress, 'train and evaluate', work), stopped: signal?.aborted === true }
  })
  const made = await report({ runs: o.out, out: o.evaluation, say })
  const { page: written, json, table, plots } = made
  tell({ version: 1, type: 'result', sweep: swept, stopped, page: written, json, table, plots })
  return { sweep: swept, stopped, ...made }
})
