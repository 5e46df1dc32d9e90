import { constants } from 'node:os'
import { LvmError } from '../lib/errors.js'
import { diagnostic } from './output.js'

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

/** Takes Ctrl-C and SIGTERM over until `release`; a reader that leaves stops the work too, without a word. */
export function interruption(say: (line: string) => void = diagnostic, hint?: string): Interruption {
  const controller = new AbortController()
  let reason: LvmError | undefined
  let asked = 0
  const stop = (name: 'SIGINT' | 'SIGTERM') => {
    if (controller.signal.aborted) {
      if (performance.now() - asked > ECHO_MS) process.exit(128 + constants.signals[name])
      return
    }
    asked = performance.now()
    say('stopping after this step; press Ctrl-C again to leave at once')
    const [code, by] = name === 'SIGINT' ? (['INTERRUPTED', 'Ctrl-C'] as const) : (['TERMINATED', 'SIGTERM'] as const)
    reason = new LvmError(code, `stopped by ${by}`, hint === undefined ? {} : { hint })
    controller.abort(reason)
  }
  const stopQuietly = () => controller.abort()
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGPIPE', stopQuietly)
  return {
    signal: controller.signal,
    get reason() {
      return reason
    },
    release: () => void process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGPIPE', stopQuietly),
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

/** Ends without a word when the reader of stdout has left, as in `| head`; work in progress is asked to stop first. */
export const endWithReader = (): void =>
  void process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (!process.emit('SIGPIPE')) process.exit()
  })
