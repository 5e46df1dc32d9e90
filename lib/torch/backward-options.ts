import { optionsOf } from './lists.js'

/** Options of `backward` and `gradientsOf`. */
export interface BackwardOptions {
  /** Keep the graph, so that it can be walked again. */
  readonly retainGraph?: boolean
  /** Record a graph of the gradients, for gradients of higher order; keeps the graph too. */
  readonly createGraph?: boolean
}

/** Whether a graph is kept, whether one of the gradients is recorded, and what else was given. */
interface Walk {
  readonly keeps: boolean
  readonly records: boolean
  readonly gradient?: unknown
}

/** Reads the options of a call that walks a graph, with those of its own. Errors: BAD_ARGUMENT. */
export function backwardOptions(owner: string, own: readonly 'gradient'[], given: unknown): Walk {
  const { retainGraph, createGraph, ...rest } = optionsOf(owner, [...own, 'retainGraph', 'createGraph'], given)
  return { keeps: retainGraph === true || createGraph === true, records: createGraph === true, ...rest }
}
