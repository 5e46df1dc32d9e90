import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { packageRoot } from '../libtorch/paths.js'

/** How a command ended. */
export interface Ended {
  readonly exit: number | null
  readonly signal: string | null
  readonly error: { readonly code: string; readonly message: string } | null
  /** Why it was stopped: its time was up, or the sweep was stopped. */
  readonly stopped: 'time' | 'asked' | null
  readonly seconds: number
}
type Event = { readonly type?: string; readonly code?: string; readonly message?: string }

/** Time to save after a stop request; then the process is killed. Units: ms. */
const STOP_TIMEOUT = 10 * 60_000
/** Longest delay of a JavaScript timer. Units: ms. */
const LONGEST = 2 ** 31 - 1

const parse = (line: string): Event => {
  try {
    return JSON.parse(line) as Event
  } catch {
    return {} // part of a multi-line document, or output of another program
  }
}

function whyEnded(exit: number | null, signal: string | null, event: Event, said: string): Ended['error'] {
  if (exit === 0) return null
  if (event.type === 'error') return { code: event.code ?? 'INTERNAL', message: event.message ?? '' }
  if (signal === 'SIGKILL')
    return { code: 'SIGKILL', message: 'killed from outside: by the system when memory ran out, or by kill -9' }
  if (signal !== null) return { code: signal, message: `ended by ${signal}${said === '' ? '' : `: ${said}`}` }
  return { code: 'INTERNAL', message: said || `ended with exit code ${exit}` }
}

/** Runs one command in its own process, so that its crash does not end the sweep. */
export async function runVerb(
  words: readonly string[],
  o: { signal?: AbortSignal | undefined; seconds?: number | undefined; hear?: (event: Event) => void },
): Promise<Ended> {
  const began = performance.now()
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'bin', 'lvm.js'), ...words, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let stopped: Ended['stopped'] = null
  let kill: NodeJS.Timeout | undefined
  const stop = (why: 'time' | 'asked') => {
    stopped ??= why
    if (child.connected) child.send('stop', () => {}) // a message, because on Windows any signal ends the process
    kill ??= setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
  }
  const onAbort = () => stop('asked')
  const timer = o.seconds === undefined ? undefined : setTimeout(() => stop('time'), Math.min(LONGEST, o.seconds * 1000))
  o.signal?.addEventListener('abort', onAbort, { once: true })
  if (o.signal?.aborted) onAbort()
  let last: Event = {}
  let said = ''
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => {
    const event = parse(line)
    if (event.type === undefined) return
    last = event
    o.hear?.(event)
  })
  child.stderr!.on('data', (piece: Buffer) => {
    said = (said + piece.toString()).slice(-2000)
  })
  child.on('error', ({ message }) => {
    said = message // the process could not start; `close` follows
  })
  const [exit, signal] = await new Promise<[number | null, string | null]>((done) => {
    child.on('close', (...end) => done(end))
  })
  clearTimeout(timer)
  clearTimeout(kill)
  o.signal?.removeEventListener('abort', onAbort)
  const error = whyEnded(exit, signal, last, said.trim().split('\n').at(-1) ?? '')
  return { exit, signal, error, stopped, seconds: (performance.now() - began) / 1000 }
}
