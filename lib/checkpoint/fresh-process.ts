import { execFile } from 'node:child_process'
import { type ErrorCode, LvmError } from '../errors.js'
import { requireGoing, stopSignal } from '../stages.js'

type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly hint?: string }

/** Parses the answer from the last line a script printed; undefined without one. */
function answerIn<Value>(stdout: string): Answer<Value> | undefined {
  try {
    const answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer<Value>
    return typeof answer?.ok === 'boolean' ? answer : undefined
  } catch {
    return undefined
  }
}

/**
 * Runs a script of this package in a child process and returns its answer.
 *
 * Errors: the error in the answer; INTERNAL without an answer; INTERRUPTED when a signal stops the work around it, which ends the child.
 */
export async function inFreshProcess<Value>(owner: string, script: string, words: readonly string[]): Promise<Value> {
  const signal = stopSignal()
  const answer = await new Promise<Answer<Value>>((done) => {
    const options = { maxBuffer: 1 << 24, ...(signal && { signal }) }
    const child = execFile(process.execPath, [script, ...words], options, (error, stdout, stderr) => {
      process.off('exit', kill)
      const end = error?.signal ? `was ended by ${error.signal}` : `ended with ${error?.code ?? 'exit code 0'}`
      const message = `${owner}: the child process ${end} without an answer${stderr === '' ? '' : `: ${stderr.trim().split('\n').at(-1)}`}`
      done(answerIn<Value>(stdout) ?? { ok: false, code: 'INTERNAL', message })
    })
    const kill = () => void child.kill()
    process.prependOnceListener('exit', kill) // runs before the addon's own handler ends the process
  })
  requireGoing(signal)
  if (answer.ok) return answer.value
  throw new LvmError(answer.code, answer.message, answer.hint === undefined ? {} : { hint: answer.hint })
}
