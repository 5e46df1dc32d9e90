import { type NativeTensor, type NativeValue, native } from '../../native.js'
import { lastDone } from './call-sites.js'

/** Calls between two looks at the queue; odd, so that a loop is not looked at in the same place each time. */
const EVERY = 31
/** The JS thread waits for a mark when so many calls, or results of so many bytes, have been queued after it. */
const [CALLS, BYTES] = [124, 64 * 2 ** 20]
/** Marks whose largest size is expected of the results in the queue. */
const REMEMBERED = 4

/** A result in the queue, and the number of its call. */
let mark: { readonly tensor: NativeTensor; readonly call: number } | undefined
let sizes: readonly number[] = []
let next = 0

/** Bytes of an element in the usual dtype. */
const FLOAT = 4

/** Size of a tensor of floats; waits until it is computed. 0 for one that is disposed or failed, whose error others throw. Units: bytes. */
function bytesOf(tensor: NativeTensor): number {
  try {
    return FLOAT * native.tensorShape(tensor).reduce((a, b) => a * b, 1)
  } catch {
    return 0
  }
}

/**
 * Makes a loop that queues calls without ever waiting wait for them: V8 collects no result that is not computed, so without this those of
 * a thousand calls would be in memory at a time. Where results are large, few of them wait.
 */
export function holdBack(result: NativeValue, call: number): void {
  if (call < next) return
  const tensor = Array.isArray(result) ? result[0] : result
  if (typeof tensor !== 'object' || tensor === null || Array.isArray(tensor)) return // in place, or no tensor: the next call looks
  const since = mark === undefined ? 0 : call - mark.call
  const largest = Math.max(0, ...sizes)
  if (mark === undefined || mark.call <= lastDone() || since >= CALLS || since * largest > BYTES) {
    if (mark !== undefined) sizes = [...sizes, bytesOf(mark.tensor)].slice(-REMEMBERED)
    mark = { tensor, call }
  }
  next = call + Math.min(EVERY, Math.max(1, Math.floor(BYTES / Math.max(1, ...sizes))))
}
