import { csvCell } from '../../show.js'
import { articleId } from './part.js'
import type { Opened, Samples } from './samples.js'

/** Columns of the CSV file, which has one line for each window. A cell is empty when its value is unknown or the window is not in the projection. */
export const COLUMNS = [
  'row',
  'article',
  'cosine',
  'mse',
  'length',
  'position',
  'similarity',
  'cluster',
  'x',
  'y',
  'predicted_x',
  'predicted_y',
  'predicted_cluster',
  'context_similarity',
  'set',
] as const

type Cell = string | number | null | undefined
const cell = (value: Cell) => csvCell(typeof value === 'number' && !Number.isInteger(value) ? +value.toPrecision(9) : value)

interface Judged {
  readonly rows: Opened
  readonly samples: Samples
  readonly target: Int32Array
  readonly predicted: Int32Array
  /** Windows of the projection, and their points in `plane`: all targets, then all predictions. */
  readonly places: Int32Array
  readonly plane: Float64Array
}

/** Returns the windows as CSV, followed by those of the other file. */
export function csvOf(judged: Judged, other: { rows: Opened; samples: Samples } | undefined): string {
  const at = new Map(Array.from(judged.places, (i, place) => [i, place]))
  const lines: string[] = [COLUMNS.join(',')]
  const add = (
    { rows, samples: s }: { rows: Opened; samples: Samples },
    set: string,
    more: (i: number) => Partial<Record<(typeof COLUMNS)[number], Cell>>,
  ) => {
    rows.ids.forEach((id, i) => {
      const values: Partial<Record<(typeof COLUMNS)[number], Cell>> = {
        row: rows.windows.target[id],
        article: articleId(rows, id),
        cosine: s.cosine[i],
        mse: s.mse[i],
        length: s.length[i],
        position: s.position[i],
        similarity: s.similarity?.[i],
        context_similarity: s.contextSimilarity?.[i],
        set,
        ...more(i),
      }
      lines.push(COLUMNS.map((column) => cell(values[column])).join(','))
    })
  }
  add(judged, 'judged', (i) => {
    const place = at.get(i)
    const point = (k: number) => judged.plane[2 * (place! + k * judged.places.length)]
    const high = (k: number) => judged.plane[2 * (place! + k * judged.places.length) + 1]
    return {
      cluster: judged.target[i],
      predicted_cluster: judged.predicted[i],
      ...(place !== undefined && { x: point(0), y: high(0), predicted_x: point(1), predicted_y: high(1) }),
    }
  })
  if (other !== undefined) add(other, 'ood', () => ({}))
  return `${lines.join('\n')}\n`
}
