import { execFile } from 'node:child_process'
import { type ErrorCode, LvmError } from '../errors.js'

type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly hint?: string }

/** The answer that a script of ours printed as its last line; undefined where it printed none. */
function answerIn<Value>(stdout: string): Answer<Value> | undefined {
  try {
    const answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer<Value>
    return typeof answer?.ok === 'boolean' ? answer : undefined
  } catch {
    return undefined
  }
}

/**
 * Runs one of our scripts in a child process and returns its answer.
 *
 * Errors: the error that the script answers with; INTERNAL without an answer.
 */
export async function inFreshProcess<Value>(owner: string, script: string, words: readonly string[]): Promise<Value> {
  const answer = await new Promise<Answer<Value>>((done) => {
    const child = execFile(process.execPath, [script, ...words], { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      process.off('exit', kill)
      const end = error?.signal ? `was ended by ${error.signal}` : `ended with ${error?.code ?? 'exit code 0'}`
      const message = `${owner}: the child process ${end} without an answer${stderr === '' ? '' : `: ${stderr.trim().split('\n').at(-1)}`}`
      done(answerIn<Value>(stdout) ?? { ok: false, code: 'INTERNAL', message })
    })
    const kill = () => void child.kill()
    process.prependOnceListener('exit', kill) // before the addon ends the process
  })
  if (answer.ok) return answer.value
  throw new LvmError(answer.code, answer.message, answer.hint === undefined ? {} : { hint: answer.hint })
}
