import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** End of a process: a crash gives a signal, a timeout SIGKILL. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Runs a script of this folder in a child process. */
export function run(script: string, args: readonly (string | number)[], limitMs = 40_000): Promise<Ended> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, ['--expose-gc', path, ...args.map(String)], { timeout: limitMs, killSignal: 'SIGKILL' })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, out, err })))
}
