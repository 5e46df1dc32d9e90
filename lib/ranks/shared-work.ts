import { AsyncLocalStorage } from 'node:async_hooks'
import type { Group } from './group.js'

/** How every rank opens the windows that a run is judged on. */
export interface Windows {
  readonly run: string
  /** The option `rows`. */
  readonly rows: string
  /** What they must then have: the hash of the weights, that of the data, and the number of windows. */
  readonly weights: string
  readonly data: string
  readonly count: number
}
/** Windows `from` … `to`, whose predictions the ranks make together. */
export interface Predict {
  readonly do: 'predict'
  readonly of: Windows
  readonly from: number
  readonly to: number
}
/** A pass over a bank: `count` windows from `at` on, each with `times` queries, for which the ranks search together. */
export interface SearchPass {
  readonly do: 'search'
  readonly of: Windows
  readonly at: number
  readonly count: number
  readonly times: number
  /** Number of nearest rows that are kept. */
  readonly nearest: number
}
/** Part of the work of a verb that rank 0 asks the other ranks to share. */
export type Task = Predict | SearchPass
export type SharedGroup = Group<Task>

/** The ranks that share the work of a verb, as rank 0 has them while it does all the rest. */
export interface SharedWork {
  readonly group: SharedGroup
  /** Lists of ids, and pools, that the other ranks can open too. */
  readonly known: WeakMap<object, Windows>
}

const current = new AsyncLocalStorage<SharedWork>()

/** Runs the work of a verb whose predictions and searches other ranks share. */
export const sharing = <T>(group: SharedGroup, work: () => Promise<T>): Promise<T> =>
  current.run({ group, known: new WeakMap() }, work)

/** Says that the other ranks can open this list of ids, or this pool, too. */
export function share(what: object, windows: Windows): void {
  current.getStore()?.known.set(what, windows)
}

/** The ranks that share the work on this list of ids, or this pool; undefined where this process works alone. */
export function sharersOf(what: object): { readonly group: SharedGroup; readonly windows: Windows } | undefined {
  const work = current.getStore()
  const windows = work?.known.get(what)
  return windows && { group: work!.group, windows }
}
