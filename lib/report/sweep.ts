import { CONTROL, followed, type Control as LongControl } from '../control.js'
import { type Data, mainData, someData, type WithData } from '../data/given-data.js'
import { asyncDoor, callback, only, optional, withFields } from '../door.js'
import type { Given } from '../options.js'
import { tally } from '../stages.js'
import type { Sweep } from '../sweep/cells.js'
import { type CellEvent, runCells } from '../sweep/run-cells.js'
import type { sweepFields } from '../sweep/sweep-fields.js'
import { plan } from '../sweep/sweep-plan.js'
import { report } from './report.js'

/** Options of `sweep`: any field of `sweepFields`. */
export interface SweepOptions extends WithData<Given<typeof sweepFields>, 'data' | 'val'> {
  readonly data: Data
}

/** Events of a sweep: progress, and the result at the end. */
export type SweepEvent =
  | CellEvent
  | { version: 1; type: 'result'; sweep: Sweep; stopped: boolean; page: string; json: string; table: string; plots: string }

type Control = { signal?: AbortSignal; tell?: (event: SweepEvent) => void; say?: (line: string) => void } & Pick<
  LongControl,
  'onProgress'
>
const ARGS = {
  options: withFields({ data: optional(mainData), val: optional(someData) }),
  control: only({ ...CONTROL, tell: optional(callback), say: optional(callback) }),
}

/**
 * Trains and evaluates models one after the other, each in its own process, and writes the report.
 *
 * Called again with the same options, it resumes: complete cells are kept, failed ones are tried again.
 * Errors: BAD_OPTION; RUN_EXISTS. The error of a cell is recorded in the result.
 */
export const sweep = asyncDoor('sweep', ARGS, async (options: SweepOptions, control: Control = {}) => {
  const { signal, tell = () => {}, say = () => {}, onProgress } = control
  const planned = await plan({ ...(options as Given<typeof sweepFields> & { data: string }) })
  const { o } = planned
  const hear = (event: SweepEvent) => {
    if (event.type === 'cell') tally(event.number, event.of)
    tell(event)
  }
  const swept = await followed(onProgress, 'train and evaluate', () =>
    runCells(planned, { ...(signal && { signal }), tell: hear }),
  )
  const made = await report({ runs: o.out, out: o.evaluation, say })
  const { page, json, table, plots } = made
  const stopped = signal?.aborted === true
  tell({ version: 1, type: 'result', sweep: swept, stopped, page, json, table, plots })
  return { sweep: swept, stopped, ...made }
})
