import type { Rows } from '../baselines/baselines-rows.js'

/** Share of the windows that a run was trained on; null when the data is not its training data. */
export function trainedShare({ windows, ids }: Pick<Rows, 'windows' | 'ids'>, train: Rows | undefined): number | null {
  if (train === undefined) return null
  if (train.windows !== windows) return 0 // a separate validation file
  const seen = new Uint8Array(windows.first.length)
  for (const id of train.ids) seen[id] = 1
  return ids.reduce((count, id) => count + seen[id]!, 0) / ids.length
}

/** The keys of a report's entry that describe its windows; entries of earlier versions have no `trained_on`. */
export interface TrainedOn {
  readonly rows: string
  readonly split: object | null
  readonly trained_on?: number | null
}

/** Whether the evaluated windows include training windows, so that no conclusion may be drawn from them. */
export const wasTrainedOn = ({ rows, split, trained_on: share }: TrainedOn): boolean =>
  share === undefined ? split !== null && (rows === 'train' || rows === 'all') : share !== null && share > 0

/** How far back contexts reach, to follow their number; empty when all have the same length. Entries of earlier versions have no `history`. */
export const historyNote = ({
  history,
  min_history: least,
}: {
  history?: number | 'article' | null
  min_history?: number | null
}) => (history == null ? '' : ` · history ${history}, at least ${least} vectors`)

/** Note with the share, to print beside figures; empty when no window was used for training. */
export function trainedOnNote(entry: TrainedOn): string[] {
  if (!wasTrainedOn(entry)) return []
  const share = entry.trained_on
  const part = share === undefined || share === null ? 'some' : share === 1 ? 'all' : `${(100 * share).toFixed(1)} %`
  return [`trained on: ${part} of these windows; their figures do not carry over to other text, so there is no verdict`]
}
