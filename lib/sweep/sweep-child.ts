import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { packageRoot } from '../libtorch/paths.js'

/** How a command ended. */
export interface Ended {
  readonly exit: number | null
  readonly signal: string | null
  readonly error: { readonly code: string; readonly message: string } | null
  /** Who stopped it: its time was up, or the sweep was told to stop. */
  readonly stopped: 'time' | 'told' | null
  readonly seconds: number
}
type Event = { readonly type?: string; readonly code?: string; readonly message?: string }

/** After this it is killed: saving takes a while, but not for ever. Units: ms. */
const PATIENCE = 10 * 60_000
/** The longest delay that a timer takes. Units: ms. */
const LONGEST = 2 ** 31 - 1

const parse = (line: string): Event => {
  try {
    return JSON.parse(line) as Event
  } catch {
    return {} // a document over several lines, or what somebody else printed
  }
}

function whyEnded(exit: number | null, signal: string | null, event: Event, said: string): Ended['error'] {
  if (exit === 0) return null
  if (event.type === 'error') return { code: event.code ?? 'INTERNAL', message: event.message ?? '' }
  if (signal === 'SIGKILL')
    return { code: 'SIGKILL', message: 'killed from outside: by the system for want of memory, or by kill -9' }
  if (signal !== null) return { code: signal, message: `ended by ${signal}${said === '' ? '' : `: ${said}`}` }
  return { code: 'INTERNAL', message: said || `ended with exit code ${exit}` }
}

/** Runs one verb of the command line in a process of its own, so that what happens to it happens to nobody else. */
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
  const stop = (why: 'time' | 'told') => {
    stopped ??= why
    if (child.connected) child.send('stop', () => {}) // Windows ends a process that is sent a signal
    kill ??= setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  }
  const told = () => stop('told')
  const timer = o.seconds === undefined ? undefined : setTimeout(() => stop('time'), Math.min(LONGEST, o.seconds * 1000))
  o.signal?.addEventListener('abort', told, { once: true })
  if (o.signal?.aborted) told()
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
    said = message // it could not be started, which ends in `close` too
  })
  const [exit, signal] = await new Promise<[number | null, string | null]>((done) => {
    child.on('close', (...end) => done(end))
  })
  clearTimeout(timer)
  clearTimeout(kill)
  o.signal?.removeEventListener('abort', told)
  const error = whyEnded(exit, signal, last, said.trim().split('\n').at(-1) ?? '')
  return { exit, signal, error, stopped, seconds: (performance.now() - began) / 1000 }
}
