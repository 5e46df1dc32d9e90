import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { foreignEncoding } from './json.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { damaged } from './read-file.js'

/** Consecutive lines of a text; `broken` when they hold bytes that are not UTF-8, which become U+FFFD. */
interface Batch {
  readonly texts: readonly string[]
  readonly bytes: Buffer
  readonly broken: boolean
}
const LINE_FEED = 10

/** Streams the lines of a text file in batches; a name that ends in .gz is decompressed. Errors: DATA_FORMAT. */
export async function* lines(path: string, limits: Limits = DEFAULT_LIMITS): AsyncGenerator<Batch> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 })
  const packed = /\.gz$/i.test(path)
  const pieces = packed ? pipeline(file, createGunzip({ chunkSize: 1 << 18 }), () => {}) : file
  let rest = Buffer.alloc(0)
  let size = 0
  try {
    for await (const piece of pieces as AsyncIterable<Buffer>) {
      if (size === 0) checkEncoding(path, piece)
      const isMarked = size === 0 && piece.toString('hex', 0, 3) === 'efbbbf'
      size += piece.length
      const most = limits.unpackedBytes + limits.unpackedRatio * file.bytesRead
      if (packed && size > most) throw damaged(path, `its ${file.bytesRead} bytes unpack to more than ${most}`)
      const bytes = Buffer.concat([rest, isMarked ? piece.subarray(3) : piece])
      const end = bytes.lastIndexOf(LINE_FEED) + 1
      rest = bytes.subarray(end)
      if (rest.length > limits.lineBytes) throw tooLong(path, limits)
      if (end > 0) yield batch(path, bytes.subarray(0, end - 1), limits)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_'))
      throw damaged(path, 'it cannot be unpacked: it is damaged or truncated', error)
    throw error
  } finally {
    file.destroy()
  }
  if (rest.length > 0) yield batch(path, rest, limits)
}

const tooLong = (path: string, { lineBytes }: Limits) => damaged(path, `a line is longer than ${lineBytes} bytes`)

function batch(path: string, bytes: Buffer, limits: Limits): Batch {
  const texts = bytes.toString('utf8').split('\n')
  const isLong = (text: string) => 3 * text.length > limits.lineBytes && Buffer.byteLength(text) > limits.lineBytes
  if (bytes.length > limits.lineBytes && texts.some(isLong)) throw tooLong(path, limits)
  return { texts, bytes, broken: !isUtf8(bytes) }
}

function checkEncoding(path: string, head: Buffer): void {
  const encoding = foreignEncoding(head)
  if (encoding !== undefined) throw damaged(path, `expected UTF-8 but it is ${encoding}`, undefined, 'save it as UTF-8')
}
