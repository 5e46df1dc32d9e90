import { LvmError } from '../errors.js'
import { speaksShell } from '../hints.js'
import { requireGoing } from '../stages.js'
import type { OpenHeader } from './engine-messages.js'
import type { EngineOptions, ServedRun } from './engine-types.js'
import { type Care, type Ended, type InferenceProcess, startInference } from './inference-process.js'

/** Wait before the second attempt to start a process; it doubles with each further one. Units: ms */
const FIRST_WAIT = 250
const LONGEST_WAIT = 30_000

/** What an engine hears of its process. */
export interface Listener {
  up(process: InferenceProcess): void
  down(ended: Ended): void
  /** It could not start again; another attempt follows. */
  failed(error: LvmError): void
  warned(message: string): void
}
export interface Supervisor {
  readonly run: ServedRun
  readonly current: InferenceProcess | null
  /** Time until the next attempt to start. Units: s */
  readonly wait: number
  /** Ends the process for good: `end` lets it finish, `kill` does not. */
  stop(how: 'end' | 'kill'): Promise<void>
}

/** The error for a run or bank that has changed since the first start. */
function changed(process: InferenceProcess, first: InferenceProcess): LvmError | undefined {
  const [now, before] = [process.run, first.run]
  if (now.weights === before.weights && now.bank?.hash === before.bank?.hash) return undefined
  const what = now.weights === before.weights ? before.bank!.path : before.folder
  return new LvmError('UNAVAILABLE', `serve: expected ${what} as it was when the server started but it has changed`, {
    hint: 'reload the server (SIGHUP) to serve the files as they are now',
  })
}

/** Keeps a process running: whenever it ends it is started again, later and later while it ends before it has answered. */
class Restarts implements Supervisor {
  current: InferenceProcess | null = null
  private readonly stopping = new AbortController()
  private starting: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined
  private attempts = 0
  private nextAt = 0
  constructor(
    private readonly o: OpenHeader,
    private readonly care: Care,
    private readonly first: InferenceProcess,
    private readonly hear: Listener,
  ) {
    this.use(first)
  }
  get run(): ServedRun {
    return this.first.run
  }
  get wait(): number {
    return this.current === null ? Math.max(0, this.nextAt - performance.now()) / 1000 : 0
  }
  async stop(how: 'end' | 'kill'): Promise<void> {
    this.stopping.abort()
    clearTimeout(this.timer)
    await this.starting
    await (how === 'end' ? this.current?.end() : this.current?.kill())
  }
  private use(process: InferenceProcess): void {
    this.current = process
    process.ended.then((ended) => {
      this.current = null
      if (process.answers > 0) this.attempts = 0
      if (this.stopping.signal.aborted) return
      this.hear.down(ended)
      this.plan()
    })
    this.hear.up(process)
  }
  private plan(): void {
    const wait = this.attempts === 0 ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.attempts - 1))
    this.attempts++
    this.nextAt = performance.now() + wait
    this.timer = setTimeout(() => {
      this.starting = this.restart()
    }, wait)
  }
  private async restart(): Promise<void> {
    const { signal } = this.stopping
    try {
      const process = await startInference(this.o, this.care, signal)
      const error = signal.aborted ? undefined : changed(process, this.first)
      if (signal.aborted || error !== undefined) await process.kill()
      if (error !== undefined) throw error
      if (!signal.aborted) this.use(process)
    } catch (error) {
      if (signal.aborted) return
      this.plan()
      this.hear.failed(error as LvmError)
    }
  }
}

/** Starts a process for a run, and starts it again whenever it ends. Errors: those of startInference, at the first start. */
export async function supervise(o: Omit<EngineOptions, 'observe'>, hear: Listener): Promise<Supervisor> {
  requireGoing(o.signal)
  const { run, name, bank, space, encoder, device, threads, deterministic } = o
  const header = { run, name, bank, space, encoder, device, threads, deterministic, shell: speaksShell() }
  const care = { batchLimit: o.batchLimit, warn: (message: string) => hear.warned(message) }
  return new Restarts(header, care, await startInference(header, care, o.signal), hear)
}
