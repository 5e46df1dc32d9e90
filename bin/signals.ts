import { constants } from 'node:os'
import { fileError, LvmError } from '../lib/errors.js'
import { copyOutput, diagnostic, fail } from './output.js'

/** A request to stop: the first signal ends the work after its step, the second ends the process. */
export interface Interruption {
  readonly signal: AbortSignal
  /** Undefined until a stop is requested. */
  readonly reason: LvmError | undefined
  /** Restores Node's handling of the signals. */
  release(): void
}

/** Under npx one Ctrl-C arrives twice, from the terminal and from npm. A second signal within this time counts as the same. Units: ms */
const ECHO_MS = 400

/** Functions that stop the work in progress. */
const stops = new Set<(why: LvmError) => void>()

const BY = { SIGINT: 'Ctrl-C', SIGTERM: 'SIGTERM', SIGHUP: 'SIGHUP: its terminal was closed' } as const

const stopped = (name: keyof typeof BY, hint?: string): LvmError =>
  new LvmError(name === 'SIGINT' ? 'INTERRUPTED' : 'TERMINATED', `stopped by ${BY[name]}`, hint === undefined ? {} : { hint })

/** Whether stdout or stderr is a terminal; under nohup neither is. */
const attended = (): boolean => process.stdout.isTTY === true || process.stderr.isTTY === true

/** File with the output of work that goes on when its terminal closes. */
let outlived: string | undefined

/** Makes this process go on when its terminal closes or a reader of its output leaves; all further output is copied to a file. */
export function outlive(log: string): void {
  if (outlived !== undefined) return
  copyOutput(log)
  outlived = log
}

/** Handles SIGINT, SIGTERM and SIGHUP until `release`; a closed stdout stops the work too. */
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
    say('stopping after this step; press Ctrl-C again to exit immediately')
    abort(stopped(name, hint))
  }
  const leave = (why: LvmError) => {
    if (controller.signal.aborted) return
    say(`stopping after this step: ${why.message}`)
    abort(why)
  }
  const hangUp = () => outlived === undefined && attended() && stop('SIGHUP')
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

/** Requests to a server: to end after its accepted work, to end at once, and to reload. */
export interface ServerSignals {
  /** The first SIGINT or SIGTERM; `hurried` settles at the second. */
  readonly stop: Promise<{ readonly name: 'SIGINT' | 'SIGTERM'; readonly hurried: Promise<void> }>
  onReload(reload: () => void): void
  /** Error of a stop before the accepted work was done. */
  error(name: 'SIGINT' | 'SIGTERM'): LvmError
  /** Prints that the server was stopped before it listened, and exits. */
  leave(name: 'SIGINT' | 'SIGTERM', json: boolean): never
  release(): void
}

/** Whether SIGHUP reloads a server instead of ending it. */
let reloads = false

/** Handles the signals of a server until `release`; a closed stdout or terminal does not end it. */
export function serverSignals(): ServerSignals {
  let asked = 0
  let reload = () => {}
  let hurry = () => {}
  const hurried = new Promise<void>((done) => {
    hurry = done
  })
  let stop: (how: { name: 'SIGINT' | 'SIGTERM'; hurried: Promise<void> }) => void = () => {}
  const stopping = new Promise<{ name: 'SIGINT' | 'SIGTERM'; hurried: Promise<void> }>((done) => {
    stop = done
  })
  const end = (name: 'SIGINT' | 'SIGTERM') => {
    if (asked === 0) stop({ name, hurried })
    else if (performance.now() - asked > ECHO_MS) hurry()
    asked ||= performance.now()
  }
  const hangUp = () => reload()
  const ignoreReader = () => {}
  process.on('SIGINT', end).on('SIGTERM', end).on('SIGHUP', hangUp)
  stops.add(ignoreReader)
  reloads = true
  return {
    stop: stopping,
    onReload: (then) => {
      reload = then
    },
    error: (name) => stopped(name, 'accepted requests were cut off; allow more time with --drain-timeout'),
    leave: (name, json) => {
      fail(stopped(name, 'the same command starts it again'), json)
      process.exit()
    },
    release: () => {
      process.off('SIGINT', end).off('SIGTERM', end).off('SIGHUP', hangUp)
      stops.delete(ignoreReader)
      reloads = false
    },
  }
}

/** Runs work that leaves no files behind when it fails or is stopped. */
export async function allOrNothing<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = interruption(diagnostic, 'nothing was published; the same command starts again')
  try {
    return await work(stop.signal)
  } finally {
    stop.release()
  }
}

/** Error codes of stdout when its reader has gone. */
const LEFT = ['EPIPE', 'EIO', 'ECONNRESET']

/** Handles a closed stdout: stops the work in progress after a save, or exits silently where there is none, as `| head` expects. */
export function endWithReader(): void {
  process.stderr.on('error', () => {}) // the terminal was closed
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const left = LEFT.includes(error.code ?? '')
    if (left && outlived !== undefined) return
    if (stops.size === 0 && left) process.exit()
    const why = left
      ? new LvmError('TERMINATED', 'stdout was closed by its reader')
      : fileError(error, 'could not write to stdout')
    if (stops.size === 0 || !(why instanceof LvmError)) throw why
    for (const stop of stops) stop(why)
  })
}

/** Handles SIGINT and SIGTERM for work without saves: prints the error and exits; the exit removes unfinished files. */
export function endWhenAsked(json: boolean): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (process.listenerCount(name) > 1) return // `interruption` handles it
      fail(stopped(name, 'unfinished files were removed; the same command starts again'), json)
      process.exit()
    })
  }
}

/** Handles a parent's `stop` message like SIGINT, and ignores SIGHUP without a terminal, as under nohup. */
export function hearParent(): void {
  process.on('message', (message) => {
    if (message === 'stop' && !process.emit('SIGINT', 'SIGINT')) process.exit(128 + constants.signals.SIGINT)
  })
  process.channel?.unref()
  process.on('SIGHUP', () => {
    if (reloads) return
    if (outlived !== undefined) diagnostic(`SIGHUP ignored: the work goes on, and ${outlived} has its output`)
    else if (!attended()) diagnostic('SIGHUP ignored, because the output is not a terminal; stop with SIGTERM')
    else if (process.listenerCount('SIGHUP') === 1) process.exit(128 + constants.signals.SIGHUP)
  })
}
