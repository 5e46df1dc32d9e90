import { placed } from './call-sites.js'

/** The first failure of work that nobody awaited; the next wait for a tensor throws it. */
let missed: unknown
function forgetMissed(): void {
  missed = undefined
  process.removeListener('beforeExit', throwMissed)
}

/** A promise of work that need not be awaited: a failure that nobody awaits is thrown by the next wait for a tensor. */
export class Later<T> extends Promise<T> {
  #awaited = false
  #failure: unknown
  // biome-ignore lint/suspicious/noThenProperty: a promise has it
  override then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#awaited = true
    if (missed !== undefined && missed === this.#failure) forgetMissed() // who awaits it later has it too
    return super.then(done, failed)
  }
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }
  static start<T>(work: Promise<T>): Later<T> {
    const later = new Later<T>((resolve, reject) => work.then(resolve, (error) => reject(placed(error))))
    Promise.prototype.then.call(later, undefined, (error: unknown) => {
      if (later.#awaited || missed !== undefined) return
      missed = later.#failure = error
      process.once('beforeExit', throwMissed) // for a program that waits for no tensor any more
    })
    return later
  }
}

/** Throws the failure of work that nobody awaited. */
function throwMissed(): void {
  if (missed === undefined) return
  const error = missed
  forgetMissed()
  throw error
}

/** Reads what waits for a tensor: throws what failed before, with the place of its call. */
export function waited<T>(read: () => T): T {
  throwMissed()
  try {
    return read()
  } catch (error) {
    throw placed(error)
  }
}
/** As `waited`, for a promise; work runs in order, so what failed before it is known when it is done. */
export async function awaited<T>(work: () => Promise<T>): Promise<T> {
  throwMissed()
  let value: T
  try {
    value = await work()
  } catch (error) {
    throw placed(error)
  }
  throwMissed()
  return value
}
