import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { createGunzip } from 'node:zlib'
import { damaged } from './file.js'

const LINE_LIMIT = 16 << 20

/** The lines of a text file, unpacked when its name ends in .gz, in batches as they arrive. Errors: DATA_FORMAT. */
export async function* lines(path: string): AsyncGenerator<string[]> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 })
  const pieces = path.endsWith('.gz') ? pipeline(file, createGunzip({ chunkSize: 1 << 18 }), () => {}) : file
  const decoder = new StringDecoder('utf8')
  let rest = ''
  try {
    for await (const piece of pieces) {
      const batch = (rest + decoder.write(piece as Buffer)).split('\n')
      rest = batch.pop()!
      if (rest.length > LINE_LIMIT) throw damaged(path, `a line is longer than ${LINE_LIMIT} characters`)
      yield batch
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_'))
      throw damaged(path, 'it cannot be unpacked: it is damaged or truncated', error)
    throw error
  }
  rest += decoder.end()
  if (rest !== '') yield [rest]
}
