import { readJournal } from '../../lib/experiment/journal.js'
import { type ExperimentEvent, type ExperimentOptions, experiment } from '../../lib/index.js'

export const TINY = 'fixed: {preset: tiny, epochs: 1, threads: 1}'
/** Runs an experiment and returns its events and its report. */
export async function ran(options: ExperimentOptions) {
  const events: ExperimentEvent[] = []
  const made = await experiment(options, { tell: (event) => events.push(event) })
  const runs = events.flatMap((event) => (event.type === 'run' ? [event.run] : []))
  return {
    ...made,
    events,
    runs,
    trained: events.filter((event) => event.type === 'training' && event.event.type === 'start').length,
  }
}
export const entriesOf = (out: string) => readJournal(out)!.entries
