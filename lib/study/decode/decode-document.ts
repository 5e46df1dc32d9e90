import { jsonText } from '../../show.js'
import type { DecodedHead, DecodedRow } from './decoded-row.js'

type Rows = Iterable<DecodedRow> | AsyncIterable<DecodedRow>

/** Writes a decoding as one JSON document, in pieces: the keys of the head, then one row on each line. */
export async function* decodedDocument(head: DecodedHead, rows: Rows): AsyncGenerator<string> {
  yield `${jsonText(head).slice(0, -1)},"rows":[`
  let first = true
  for await (const row of rows) {
    yield `${first ? '' : ','}\n${jsonText(row)}`
    first = false
  }
  yield ']}\n'
}

/** Writes the rows of a decoding as JSON, one on each line. */
export async function* decodedLines(rows: Rows): AsyncGenerator<string> {
  for await (const row of rows) yield `${jsonText(row)}\n`
}

/** Content of the file `out`: the document, or with the ending .jsonl the rows. */
export const decodedFile = (out: string, head: DecodedHead, rows: Rows): AsyncGenerator<string> =>
  /\.jsonl$/i.test(out) ? decodedLines(rows) : decodedDocument(head, rows)
