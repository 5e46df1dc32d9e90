import { AsyncLocalStorage } from 'node:async_hooks'
import { LvmError, shown } from '../../errors.js'

/** What holds for the calls inside a function. */
interface Mode {
  readonly gradients: boolean
  /** Handles that were made in the innermost scope. */
  readonly made: Set<Disposable> | undefined
}
const OUTSIDE: Mode = { gradients: true, made: undefined }
const modes = new AsyncLocalStorage<Mode>()
let used = false // asking the storage costs more than this

const mode = (): Mode => (used ? (modes.getStore() ?? OUTSIDE) : OUTSIDE)
export const recordsGradients = (): boolean => mode().gradients
/** Notes a handle in the innermost scope and returns it. */
export function noted<T extends Disposable>(handle: T): T {
  mode().made?.add(handle)
  return handle
}

function within<T>(owner: string, changed: Partial<Mode>, run: () => T): T {
  if (typeof run !== 'function') throw new LvmError('BAD_ARGUMENT', `${owner}: expected a function but received ${shown(run)}`)
  used = true
  return modes.run({ ...mode(), ...changed }, run)
}

/** Runs a function, which may be async, whose calls record no gradients. */
export const noGrad = <T>(run: () => T): T => within('noGrad', { gradients: false }, run)
/** Runs a function inside noGrad() whose calls record gradients again. */
export const enableGrad = <T>(run: () => T): T => within('enableGrad', { gradients: true }, run)

/** Lists nested deeper than this are not searched for tensors to keep. */
const DEEPEST = 16
/** Handles in a value that leaves a scope: itself, or those in its lists and plain objects. */
function handlesIn(value: unknown, made: ReadonlySet<Disposable>, depth = 0): Disposable[] {
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return []
  if (made.has(value as Disposable)) return [value as Disposable]
  const inner = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype ? Object.values(value) : []
  return inner.flatMap((one) => handlesIn(one, made, depth + 1))
}

/**
 * Runs a function, which may be async, and then frees the tensors that were made inside it, except those in its result and those
 * given to `keep`.
 */
export function scope<T>(run: () => T): T {
  const outer = mode().made
  const made = new Set<Disposable>()
  const leave = (result: unknown) => {
    for (const kept of handlesIn(result, made)) {
      made.delete(kept)
      outer?.add(kept)
    }
    for (const handle of made) handle[Symbol.dispose]()
  }
  let result: T
  try {
    result = within('scope', { made }, run)
  } catch (error) {
    leave(undefined)
    throw error
  }
  if (!(result instanceof Promise)) {
    leave(result)
    return result
  }
  return result.then(
    (value) => {
      leave(value)
      return value
    },
    (error) => {
      leave(undefined)
      throw error
    },
  ) as T
}

/** Takes a tensor out of the scope in which it was made, so that it is not freed at its end. */
export function keep<T extends Disposable>(handle: T): T {
  mode().made?.delete(handle)
  return handle
}
