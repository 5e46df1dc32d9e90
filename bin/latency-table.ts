import { busyNotes } from '../lib/libtorch/cpu-share.js'
import { table } from '../lib/show.js'

/** Median times of a run and of the run that it was made from, by batch size; a line below marks those of a busy machine. */
export const latencyTable = ({
  parent,
  run,
  latency,
}: {
  readonly parent: string
  readonly run: string
  readonly latency: {
    readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
    readonly cpu_share: number | null
  }
}): string =>
  [
    table(latency.batches, {
      batch: ({ batch }) => batch,
      [`${parent} ms`]: ({ parent_ms }) => parent_ms.toFixed(3),
      [`${run} ms`]: ({ ms }) => ms.toFixed(3),
      'times as fast': ({ parent_ms, ms }) => (parent_ms / ms).toFixed(2),
    }),
    ...busyNotes([latency.cpu_share]),
  ].join('\n')
