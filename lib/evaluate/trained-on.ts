import type { Rows } from './baselines-rows.js'

/** Share of some windows that a run was trained on; null where the data is not that of its training. */
export function trainedShare({ windows, ids }: Pick<Rows, 'windows' | 'ids'>, train: Rows | undefined): number | null {
  if (train === undefined) return null
  if (train.windows !== windows) return 0 // a validation file of its own
  const seen = new Uint8Array(windows.first.length)
  for (const id of train.ids) seen[id] = 1
  return ids.reduce((count, id) => count + seen[id]!, 0) / ids.length
}

/** What an entry of a report says of its windows; entries of earlier versions have no share. */
export interface TrainedOn {
  readonly rows: string
  readonly split: object | null
  readonly trained_on?: number | null
}

/** Whether the judged windows include any that the run was trained on, so that nothing may be concluded from them. */
export const wasTrainedOn = ({ rows, split, trained_on: share }: TrainedOn): boolean =>
  share === undefined ? split !== null && (rows === 'train' || rows === 'all') : share !== null && share > 0

/** The share, to stand beside figures; nothing where no window was trained on. */
export function trainedOnNote(entry: TrainedOn): string[] {
  if (!wasTrainedOn(entry)) return []
  const share = entry.trained_on
  const part = share === undefined || share === null ? 'some' : share === 1 ? 'all' : `${(100 * share).toFixed(1)} %`
  return [`trained on: ${part} of these windows; their figures tell nothing about other text, so there is no verdict`]
}
