import { spawn } from 'node:child_process'
import { ERRORS } from '../lib/errors.js'
import { text } from '../lib/options.js'
import { duration } from '../lib/show.js'
import { withReport } from './crash.js'
import { diagnostic, fail } from './output.js'

/** Time limit of the command. Units: ms. */
const TIMEOUT = 30_000

/** Option of verbs that take long. */
export const notifyFields = {
  notify: text({
    default: undefined,
    about:
      'on the command line only: shell command to run at the end, also after a failure or Ctrl-C; LVM_VERB, LVM_EXIT, LVM_CODE, LVM_FOLDER and LVM_SUMMARY are in its environment',
    expected: 'text',
    group: 'Run',
  }),
} as const

/** Facts about the end of a verb, which its handler fills in. */
export interface EndFacts {
  folder?: string
  summary?: string
}
type Argv = Readonly<Record<string, unknown>>

/** Runs a shell command with more variables; returns why it failed. */
export function runCommand(
  command: string,
  facts: Readonly<Record<string, string>>,
  timeout = TIMEOUT,
): Promise<string | undefined> {
  return new Promise((done) => {
    const child = spawn(command, {
      shell: true,
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...facts },
    })
    let said = ''
    const hear = (piece: Buffer) => {
      said = (said + piece.toString()).slice(-500)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const end = (why: string | undefined) => {
      clearTimeout(timer)
      for (const stream of [child.stdout, child.stderr]) stream.destroy() // a background process of the command may keep them open
      child.unref()
      done(why)
    }
    const timer = setTimeout(() => {
      try {
        process.kill(process.platform === 'win32' ? child.pid! : -child.pid!, 'SIGKILL')
      } catch {} // it has just ended
      end(`did not end within ${duration(timeout / 1000)} and was killed`)
    }, timeout)
    child.on('error', ({ message }) => end(message))
    child.on('exit', (code, signal) => {
      const last = said.trim().split('\n').at(-1)
      setImmediate(() => end(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}${last ? `: ${last}` : ''}`))
    })
  })
}

const codeOf = (exit: number): string =>
  exit === 0 ? 'OK' : (Object.entries(ERRORS).find(([, error]) => error.exit === exit)?.[0] ?? 'INTERNAL')

/** Wraps the handler of a verb: at its end, also after an error, runs the command of --notify. A failure of the command is only a warning. */
export const notifying =
  (verb: string, handler: (argv: Argv, facts: EndFacts) => Promise<void>) =>
  async (argv: Argv): Promise<void> => {
    const facts: EndFacts = {}
    let [code, message] = ['', '']
    try {
      await handler(argv, facts)
    } catch (error) {
      const known = withReport(error)
      fail(known, argv.json === true)
      ;({ code, message } = known)
    }
    if (argv.notify === undefined) return
    const exit = Number(process.exitCode ?? 0)
    const why = await runCommand(String(argv.notify), {
      LVM_VERB: verb,
      LVM_EXIT: String(exit),
      LVM_CODE: code || codeOf(exit),
      LVM_FOLDER: facts.folder ?? '',
      LVM_SUMMARY: message || (facts.summary ?? ''),
    })
    if (why !== undefined) diagnostic(`warning: the command of --notify ${why}`)
  }
