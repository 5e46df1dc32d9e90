import { constants } from 'node:os'
import { fileError, LvmError } from '../lib/errors.js'
import { diagnostic, fail } from './output.js'

/** The wish of the user to stop: the first signal asks for it, the second leaves at once. */
export interface Interruption {
  readonly signal: AbortSignal
  /** Undefined while nobody asked. */
  readonly reason: LvmError | undefined
  /** Gives the signals back to Node. */
  release(): void
}

/** Under npx one Ctrl-C arrives twice, from the terminal and from npm; what comes this soon is the same one. */
const ECHO_MS = 400

/** What asks the user's work to stop besides signals. */
const stops = new Set<(why: LvmError) => void>()

const BY = { SIGINT: 'Ctrl-C', SIGTERM: 'SIGTERM', SIGHUP: 'SIGHUP: its terminal has gone' } as const

const stopped = (name: keyof typeof BY, hint?: string): LvmError =>
  new LvmError(name === 'SIGINT' ? 'INTERRUPTED' : 'TERMINATED', `stopped by ${BY[name]}`, hint === undefined ? {} : { hint })

/** Whether there is a terminal to lose; under nohup there is none. */
const attended = (): boolean => process.stdout.isTTY === true || process.stderr.isTTY === true

/** Takes Ctrl-C, SIGTERM and the end of its terminal over until `release`; a reader of stdout that leaves stops the work too. */
export function interruption(say: (line: string) => void = diagnostic, hint?: string): Interruption {
  const controller = new AbortController()
  let reason: LvmError | undefined
  let asked = 0
  const abort = (why: LvmError) => {
    reason = why
    controller.abort(why)
  }
  const stop = (name: keyof typeof BY) => {
    if (controller.signal.aborted) {
      if (performance.now() - asked > ECHO_MS) process.exit(128 + constants.signals[name])
      return
    }
    asked = performance.now()
    say('stopping after this step; press Ctrl-C again to leave at once')
    abort(stopped(name, hint))
  }
  const leave = (why: LvmError) => {
    if (controller.signal.aborted) return
    say(`stopping after this step: ${why.message}`)
    abort(why)
  }
  const hangUp = () => attended() && stop('SIGHUP')
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', hangUp)
  stops.add(leave)
  return {
    signal: controller.signal,
    get reason() {
      return reason
    },
    release: () => {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', hangUp)
      stops.delete(leave)
    },
  }
}

/** Work that is done as a whole or leaves nothing behind, also when the user stops it. */
export async function allOrNothing<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = interruption(diagnostic, 'nothing was published; the same command starts again')
  try {
    return await work(stop.signal)
  } finally {
    stop.release()
  }
}

/** What stdout says when nobody is at its other end. */
const LEFT = ['EPIPE', 'EIO', 'ECONNRESET']

/** Stops the work in progress, saved and with an exit code of its own, when stdout can take no more; else ends without a word, as `| head` wants. */
export function endWithReader(): void {
  process.stderr.on('error', () => {}) // a terminal that has gone
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const left = LEFT.includes(error.code ?? '')
    if (stops.size === 0 && left) process.exit()
    const why = left ? new LvmError('TERMINATED', 'the reader of stdout has left') : fileError(error, 'could not write to stdout')
    if (stops.size === 0 || !(why instanceof LvmError)) throw why
    for (const stop of stops) stop(why)
  })
}

/** Ends work that has no save to go on from when the user asks for it; as the process exits, its unfinished files are removed. */
export function endWhenAsked(json: boolean): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (process.listenerCount(name) > 1) return // an interruption stops the work
      fail(stopped(name, 'unfinished files were removed; the same command starts again'), json)
      process.exit()
    })
  }
}

/** Takes what a parent process says in the place of a signal, and lets work without a terminal outlive a hang-up, as nohup promises. */
export function hearParent(): void {
  process.on('message', (word) => {
    if (word === 'stop' && !process.emit('SIGINT', 'SIGINT')) process.exit(128 + constants.signals.SIGINT)
  })
  process.channel?.unref()
  process.on('SIGHUP', () => {
    if (!attended()) diagnostic('SIGHUP: going on, because no terminal shows the output; SIGTERM stops')
    else if (process.listenerCount('SIGHUP') === 1) process.exit(128 + constants.signals.SIGHUP)
  })
}
