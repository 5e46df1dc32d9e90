import { isUtf8 } from 'node:buffer'
import { foreignEncoding } from '../../files/json.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import { damaged } from '../../files/read-file.js'

/** A line of a text file. */
export interface TextLine {
  readonly text: string
  /** From 1. */
  readonly number: number
}

const LINE_FEED = 10

/**
 * Splits bytes into lines, without their ends (LF or CRLF) and a byte order mark; all lines that a piece completes come together.
 *
 * Errors: DATA_FORMAT for a line that is not UTF-8 or too long, and for UTF-16.
 */
export async function* textLines(
  name: string,
  pieces: AsyncIterable<Buffer>,
  most: number = DEFAULT_LIMITS.lineBytes,
): AsyncGenerator<TextLine[]> {
  let rest: Buffer[] = []
  let [held, number] = [0, 0]
  const line = (bytes: Buffer): TextLine => {
    number++
    const begin = number === 1 && bytes.toString('hex', 0, 3) === 'efbbbf' ? 3 : 0
    const plain = bytes.subarray(begin, bytes.at(-1) === 13 ? -1 : undefined)
    const foreign = number === 1 ? foreignEncoding(bytes) : undefined
    if (foreign !== undefined || !isUtf8(plain))
      throw damaged(name, `line ${number} is ${foreign ?? 'not UTF-8'}`, undefined, 'save the texts as UTF-8')
    return { text: plain.toString('utf8'), number }
  }
  const tooLong = () =>
    damaged(
      name,
      `line ${number + 1} has more than ${most} bytes`,
      undefined,
      'write one text a line; lvm-torch data make splits long texts into sentences',
    )
  for await (const piece of pieces) {
    const found: TextLine[] = []
    let from = 0
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
      if (held + end - from > most) throw tooLong()
      found.push(line(rest.length > 0 ? Buffer.concat([...rest, piece.subarray(from, end)]) : piece.subarray(from, end)))
      ;[rest, held, from] = [[], 0, end + 1]
    }
    if (from < piece.length) rest.push(piece.subarray(from))
    held += piece.length - from
    if (held > most) throw tooLong()
    if (found.length > 0) yield found
  }
  if (held > 0) yield [line(Buffer.concat(rest))]
}
