import { table } from '../lib/show.js'

/** Median times of a run and of the run that it was made from, by batch size. */
export const latencyTable = (made: {
  readonly parent: string
  readonly run: string
  readonly latency: {
    readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
  }
}): string =>
  table(made.latency.batches, {
    batch: ({ batch }) => batch,
    [`${made.parent} ms`]: ({ parent_ms }) => parent_ms.toFixed(3),
    [`${made.run} ms`]: ({ ms }) => ms.toFixed(3),
    'times as fast': ({ parent_ms, ms }) => (parent_ms / ms).toFixed(2),
  })
