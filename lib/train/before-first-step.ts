import { LvmError } from '../errors.js'

/** Error of a training that was stopped before its first step; returns the reason of the stop when it has a code. */
export function stoppedBefore(signal: AbortSignal): LvmError {
  const code = signal.reason instanceof LvmError ? signal.reason.code : 'INTERRUPTED'
  return new LvmError(code, 'training: stopped before its first step, so there is no checkpoint', { hint: 'start it again' })
}
