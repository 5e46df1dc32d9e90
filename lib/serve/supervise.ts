import { LvmError } from '../errors.js'
import type { OpenHeader } from './engine-messages.js'
import type { ServedRun } from './engine-types.js'
import { type Ended, type InferenceProcess, startInference } from './inference-process.js'

/** Wait before the second attempt to start a process; it doubles with each further one. Units: ms */
const FIRST_WAIT = 250
const LONGEST_WAIT = 30_000

/** What an engine hears of its process. */
export interface Listener {
  up(process: InferenceProcess): void
  down(ended: Ended): void
  /** It could not start again; the next attempt follows after `wait`. Units: ms */
  failed(error: LvmError, wait: number): void
}
export interface Supervisor {
  readonly run: ServedRun
  readonly current: InferenceProcess | null
  /** Ends the process for good: `end` lets it finish, `kill` does not. */
  stop(how: 'end' | 'kill'): Promise<void>
}

/** Errors: UNAVAILABLE when the run or the bank has changed since the first start. */
function requireSame(process: InferenceProcess, first: InferenceProcess): void {
  const [now, before] = [process.run, first.run]
  if (now.weights === before.weights && now.bank?.hash === before.bank?.hash) return
  const what = now.weights === before.weights ? before.bank!.path : before.folder
  throw new LvmError('UNAVAILABLE', `serve: expected ${what} as it was when the server started but it has changed`, {
    hint: 'reload the server (SIGHUP) to serve the files as they are now',
  })
}

/**
 * Starts a process for a run, and starts it again whenever it ends.
 *
 * A process that ends before its first answer is started again later and later.
 * Errors: those of startInference, at the first start.
 */
export async function supervise(o: OpenHeader, answered: () => boolean, hear: Listener): Promise<Supervisor> {
  const first = await startInference(o)
  let current: InferenceProcess | null = null
  let starting: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let attempts = 0
  const stopping = new AbortController()

  const use = (process: InferenceProcess) => {
    current = process
    process.ended.then((ended) => {
      current = null
      if (answered()) attempts = 0
      if (stopped) return
      hear.down(ended)
      again()
    })
    hear.up(process)
  }
  const again = () => {
    const wait = attempts === 0 ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1))
    attempts++
    timer = setTimeout(() => {
      starting = restart()
    }, wait)
    return wait
  }
  const restart = async () => {
    try {
      const process = await startInference(o, stopping.signal)
      if (stopped) return void (await process.kill())
      try {
        requireSame(process, first)
      } catch (error) {
        await process.kill()
        throw error
      }
      use(process)
    } catch (error) {
      if (!stopped) hear.failed(error as LvmError, again())
    }
  }
  use(first)
  return {
    run: first.run,
    get current() {
      return current
    },
    async stop(how) {
      stopped = true
      clearTimeout(timer)
      stopping.abort()
      await starting
      await (how === 'end' ? current?.end() : current?.kill())
    },
  }
}
