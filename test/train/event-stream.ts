import { get, type IncomingMessage } from 'node:http'

type Row = (number | null)[]
interface Part {
  readonly columns: string[]
  readonly from: number
  readonly rows: Row[]
  readonly lines: number
}
/** What a page has after a number of messages. */
export interface Shown {
  training: { state: string; [key: string]: unknown }
  steps: Record<string, number | null>[]
  epochs: Record<string, number | null>[]
  own: Record<string, Record<string, number | null>[]>
}

/** Appends a part of a curve as the page does. */
export function appended(rows: Record<string, number | null>[], part: Part | undefined): Record<string, number | null>[] {
  if (part === undefined) return rows
  const more = part.rows.map((row) => Object.fromEntries(part.columns.map((column, i) => [column, row[i]!])))
  return [...rows.slice(0, part.from), ...more]
}

/** Answers with the response to GET; headers replace those of a browser on the page. */
export const asked = (url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
  new Promise((done, fail) => get(url, { headers }, done).on('error', fail))

/** Reads the events of a page until they end; `shown` is what it has so far. */
export async function listen(url: string): Promise<{ shown: Shown; ended: Promise<void>; messages: () => number }> {
  const response = await asked(`${url}events`)
  const shown: Shown = { training: { state: '' }, steps: [], epochs: [], own: {} }
  let [text, count] = ['', 0]
  response.setEncoding('utf8').on('data', (piece: string) => {
    const messages = (text + piece).split('\n\n')
    text = messages.pop()!
    for (const message of messages) {
      const { training, steps, epochs, own } = JSON.parse(message.replace(/^data: /, ''))
      shown.training = training
      shown.steps = appended(shown.steps, steps)
      shown.epochs = appended(shown.epochs, epochs)
      for (const [name, part] of Object.entries(own)) shown.own[name] = appended(shown.own[name] ?? [], part as Part)
      count++
    }
  })
  const ended = new Promise<void>((done) => response.on('close', done))
  return { shown, ended, messages: () => count }
}
