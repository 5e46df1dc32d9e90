import { createReadStream } from 'node:fs'

const LINE_FEED = 10
/** A longer line is no record; it is skipped without being held. Units: bytes */
const LONGEST = 1 << 24

/** Consecutive lines of a log. */
export interface LogLines {
  readonly lines: readonly string[]
  /** Lines that were too long to be read. */
  readonly skipped: number
  /** Whether the last line has no line break: it is still being written, or a crash cut it short. */
  readonly open: boolean
}

/** Streams the lines of the first `size` bytes of a log, which a server may be writing. */
export async function* logLines(path: string, size: number): AsyncGenerator<LogLines> {
  if (size === 0) return
  let rest: Buffer[] = []
  let held = 0
  let isSkipping = false
  for await (const piece of createReadStream(path, { end: size - 1, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    const end = piece.lastIndexOf(LINE_FEED) + 1
    if (end > 0) {
      const text = Buffer.concat([...rest, piece.subarray(0, end - 1)]).toString('utf8')
      const lines = text.split('\n')
      if (isSkipping) lines.shift()
      yield { lines, skipped: Number(isSkipping), open: false }
      isSkipping = false
      rest = []
      held = 0
    }
    rest.push(piece.subarray(end))
    held += piece.length - end
    if (held > LONGEST) {
      isSkipping = true
      rest = []
      held = 0
    }
  }
  if (isSkipping || held > 0)
    yield { lines: isSkipping ? [] : [Buffer.concat(rest).toString('utf8')], skipped: Number(isSkipping), open: true }
}
