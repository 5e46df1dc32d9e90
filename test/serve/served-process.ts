import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { packageRoot } from '../../lib/libtorch/paths.js'

/** A server in a process of its own, as the command line starts it. */
export interface ServedProcess {
  readonly url: string
  readonly child: ChildProcess
  /** Lines of stdout. */
  readonly lines: string[]
  /** Text of stderr. */
  errors(): string
  /** Sends a signal and returns the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts `lvm-torch serve … --json --port 0` and waits until it listens. */
export async function serveProcess(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ServedProcess> {
  const program = `${packageRoot()}/dist/bin/lvm.js`
  const child = spawn(process.execPath, [program, 'serve', ...words, '--json', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: undefined, ...env }, // a warning about it would be one more event
  })
  process.once('exit', () => child.kill('SIGKILL')) // where a test fails before it ends the server
  const lines: string[] = []
  let rest = ''
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const url = await new Promise<string>((done, fail) => {
    child.on('exit', (code) => fail(new Error(`serve ended with ${code}: ${errors}`)))
    child.stdout.on('data', (chunk) => {
      const parts = `${rest}${chunk}`.split('\n')
      rest = parts.pop()!
      lines.push(...parts)
      if (lines.length > 0) done((JSON.parse(lines[0]!) as { url: string }).url)
    })
  })
  return {
    url,
    child,
    lines,
    errors: () => errors,
    end: async (signal) => {
      const ended = once(child, 'exit') as Promise<[number | null]>
      child.kill(signal)
      return (await ended)[0]
    },
  }
}
