import { abortSignal, asyncDoor, callback, only, optional, type Parameters } from './door.js'
import { type Moment, overseen, stage, stoppedBy } from './stages.js'

/** How a long call is followed and stopped. */
export interface Control {
  /** Stops the call between two of its stages or of their parts, which then rejects with INTERRUPTED. */
  readonly signal?: AbortSignal
  /** Called when a stage begins, and at most ten times a second when more of it is done. */
  readonly onProgress?: (progress: Moment) => void
}

/** Checks of the keys of `Control`. */
export const CONTROL = { signal: optional(abortSignal), onProgress: optional(callback) }

/** Time between two reports within a stage. Units: ms. */
const EVERY = 100

/** Leaves out reports that follow another one of the same stage too soon. */
function throttled(onProgress: (progress: Moment) => void): (progress: Moment) => void {
  let [before, at] = ['', Number.NEGATIVE_INFINITY]
  return (progress) => {
    const stages = progress.open.map(({ stage }) => stage).join('/')
    const now = performance.now()
    if (stages === before && now - at < EVERY) return
    before = stages
    at = now
    onProgress(progress)
  }
}

/** Runs the work of a long call under its control. Errors: INTERRUPTED. */
export async function controlled<T>({ signal, onProgress }: Control, work: () => Promise<T>): Promise<T> {
  if (signal === undefined && onProgress === undefined) return work()
  if (signal?.aborted) throw stoppedBy(signal)
  return overseen({ signal, told: onProgress && throttled(onProgress) }, work)
}

/** Runs one long stage that only `onProgress` follows, for work that a signal ends in a way of its own. */
export const followed = <T>(onProgress: Control['onProgress'], name: string, work: () => Promise<T>): Promise<T> =>
  controlled({ ...(onProgress && { onProgress }) }, () => stage(name, work))

/** Wraps a public function whose last argument has the keys of `Control`, beside its own: as `asyncDoor`. */
export const controlDoor = <F extends (...given: never[]) => Promise<unknown>>(
  owner: string,
  parameters: Parameters,
  run: F,
): F =>
  asyncDoor(owner, parameters, ((...given: unknown[]) =>
    controlled(given.at(-1) as Control, () => run(...(given as never[])))) as unknown as F)

/** Wraps a public function that takes long: as `asyncDoor`, with a further last argument that follows and stops it. */
export function longDoor<A extends unknown[], R>(
  owner: string,
  parameters: Parameters,
  run: (...given: A) => Promise<R>,
): (...given: [...A, control?: Control]) => Promise<R> {
  const at = Object.keys(parameters).length
  return asyncDoor(owner, { ...parameters, control: only(CONTROL) }, (...given: unknown[]) =>
    controlled(given[at] as Control, () => run(...(given.slice(0, at) as A))),
  ) as (...given: [...A, control?: Control]) => Promise<R>
}
