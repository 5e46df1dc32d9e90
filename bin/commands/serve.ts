import { setFlagsFromString } from 'node:v8'
import type { CommandModule } from 'yargs'
import type { ServeEvent } from '../../lib/index.js'
import { serveFields } from '../../lib/serve/serve-fields.js'
import { flags, given } from '../flags.js'
import { notifyFields, notifying } from '../notify.js'
import { diagnostic, event as emit, print } from '../output.js'
import { serveText } from '../serve-text.js'
import { serverSignals } from '../signals.js'

/**
 * Lets the heap grow to three times what is live between two collections.
 *
 * An idle V8 lowers its limit to what is live; under the next load it then marks every second, beside the inference, and the p99 doubles.
 */
const HEAP = '--heap-growing-percent=200'
/** Bytes of output that may wait for its reader. */
const MOST_UNREAD = 1 << 20

/** Returns a function that prints events as JSON; while the reader of stdout does not read, the lines of requests are left out and counted. */
function eventPrinter(): (event: ServeEvent) => void {
  let left = 0
  return (event) => {
    const waits = process.stdout.writableLength > MOST_UNREAD
    if (waits && event.type === 'request') return void left++
    if (left > 0 && !waits) {
      diagnostic(`warning: stdout was not read in time: ${left} lines of requests were left out`)
      left = 0
    }
    emit(event)
  }
}

export const serving: CommandModule = {
  command: 'serve [run..]',
  describe: 'answer requests for predictions over HTTP',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', {
        type: 'string',
        describe: 'folders of runs, or their names below artifacts/lvm/models; NAME=RUN gives one another name',
      })
      .options(flags({ ...serveFields, ...notifyFields }))
      .example('$0 serve lstm_baseline --bank vectors.npy', 'predictions and the nearest rows of a bank, on port 8080')
      .example('$0 serve a=lstm_baseline b=gru_stacked --split a=90,b=10 --log served.jsonl', 'compare two runs on live requests')
      .example('$0 serve lstm_baseline --host 0.0.0.0 --api-key-file keys', 'listen beyond this machine'),
  handler: notifying('serve', async (argv, facts) => {
    setFlagsFromString(HEAP)
    const json = argv.json === true
    const signals = serverSignals()
    const { serve } = await import('../../lib/serve/serve.js')
    const emitInTime = eventPrinter()
    const tell = (event: ServeEvent): void => {
      const text = json ? undefined : serveText(event, argv.apiKeyFile !== undefined)
      if (json) emitInTime(event)
      else if (event.type === 'warning') diagnostic(text!)
      else if (text !== undefined) print(text)
    }
    const runs = ((argv.run ?? []) as string[]).map(String)
    const starting = serve({ runs, tell, ...given(serveFields, argv) })
    const server = await Promise.race([starting, signals.stop.then(({ name }) => name)])
    if (typeof server === 'string') return signals.leave(server, json) // stopped before it listened
    signals.onReload(() => void server.reload().catch(() => {})) // the event reload_failed says why
    const { name, hurried } = await signals.stop
    const end = { grace: name === 'SIGTERM' ? Number(argv.drainGrace ?? serveFields.drainGrace.default) : 0 }
    const lost = await Promise.race([server.close(end), hurried.then(() => server.kill()).then(() => 1)])
    signals.release()
    if (lost > 0) throw signals.error(name)
    facts.summary = 'every accepted request was answered'
  }),
}
