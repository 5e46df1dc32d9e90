import { join } from 'node:path'
import type { CommandModule } from 'yargs'
import type { SweepEvent, SweepOptions } from '../../lib/index.js'
import { duration } from '../../lib/show.js'
import { sweepFields } from '../../lib/sweep/sweep-fields.js'
import { watchFields } from '../../lib/train/watch/watch-fields.js'
import { resumption } from '../command-line.js'
import { flags, given, watchOn } from '../flags.js'
import { notifyFields, notifying } from '../notify.js'
import { diagnostic, event as emit, nearby, note, print } from '../output.js'
import { closing, header, opening, row } from '../progress.js'
import { interruption, outlive } from '../signals.js'

const LOG = 'sweep.log'

/** Returns a function that prints the events of a sweep. */
function show(): (told: SweepEvent) => void {
  let [titled, resumed] = [false, false]
  return (told) => {
    if (told.type === 'watch') diagnostic(`watch the runs at ${told.url}`)
    if (told.type === 'cell') {
      const { cell, number, of, seconds_left } = told
      const left = seconds_left === null ? '' : ` · ${duration(Math.max(0, seconds_left))} of the budget left`
      const why = cell.error === null ? '' : `: ${cell.error.code}: ${cell.error.message}`
      print(
        `[${number}/${of}] ${cell.fold === undefined && cell.seed === undefined ? cell.model : cell.run}: ${cell.state}${why}${left}`,
      )
      titled = false
    }
    if (told.type !== 'training') return
    const { event } = told
    if (event.type === 'start') {
      resumed = event.resumed
      print(`${opening(event)}\n`)
    }
    if (event.type === 'epoch') {
      if (!titled) print(header(event))
      titled = true
      print(row(event))
    }
    if (event.type === 'warning') diagnostic(`warning: ${event.message}`)
    if (event.type === 'result') print(closing(event, resumed))
  }
}

/** Returns the command line that continues this sweep. */
const continuation = () => resumption().replace(/ --resume$/, '')

export const sweep: CommandModule = {
  command: 'sweep',
  describe: 'train and evaluate many models, each in its own process, and write the report',
  builder: (y) =>
    y
      .options(flags({ ...sweepFields, ...watchFields, ...notifyFields }))
      .demandOption('data')
      .example('$0 sweep --data vectors.npz --budget 4h', 'all thirteen models within four hours')
      .example('$0 sweep --models lstm,gru --folds 5 --data vectors.npz', 'every article held out once by each model')
      .example('$0 sweep --models lstm --model-file mine.mjs --data vectors.npz', 'an architecture of your own beside one')
      .example('$0 sweep --models lstm,gru --data vectors.npz', 'continues where it stopped when it is called again'),
  handler: notifying('sweep', async (argv, facts) => {
    const { markdown } = await import('../../lib/report/markdown.js')
    const { sweep } = await import('../../lib/report/sweep.js')
    const json = argv.json === true
    const watch = watchOn('sweep', argv)
    const stop = interruption()
    try {
      const options = { data: String(argv.data), ...given(sweepFields, argv) } as SweepOptions
      const folder = options.evaluation ?? sweepFields.evaluation.default
      const log = join(folder, LOG)
      const told = json ? emit : show()
      const tell = (event: SweepEvent) => {
        if (facts.folder === undefined && event.type !== 'watch') {
          // the folder exists
          facts.folder = folder
          outlive(log)
          if (!json) print(`log    ${nearby(log)} · the work goes on when this terminal closes`)
        }
        told(event)
      }
      const { report, page, stopped, sweep: swept } = await sweep(options, { signal: stop.signal, watch, tell, say: note })
      const done = swept.cells.filter(({ state }) => state === 'done').length
      facts.summary = `${done} of ${swept.cells.length} runs done; ${page}`
      if (!json) print(`\n${markdown(report)}\npage  ${nearby(page)}`)
      if (stopped) diagnostic(`stopped; continue with: ${continuation()}`)
      if (stopped && stop.reason) process.exitCode = stop.reason.exit
    } finally {
      stop.release()
    }
  }),
}
