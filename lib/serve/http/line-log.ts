import { type FileHandle, open } from 'node:fs/promises'
import { fileError } from '../../errors.js'

/** A file that lines are appended to. */
export interface LineLog {
  /** Resolves with whether the line was written; never rejects. */
  append(line: string): Promise<boolean>
  /** Opens the path again, where a rotation has moved the file away. Errors: FILE_…. */
  reopen(): Promise<void>
  /** Writes what waits and closes the file. */
  close(): Promise<void>
}

/** Characters that may wait for a slow disk; further lines are lost, and reported. */
const MOST_WAITING = 16_000_000

/** Opens a file for appending; a line that a crash cut off is ended first. */
async function openEnd(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'a+', 0o600)
    const { size } = await file.stat()
    const last = size === 0 ? '\n' : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString()
    if (last !== '\n') await file.appendFile('\n')
    return file
  } catch (error) {
    throw fileError(error, 'could not open --log')
  }
}

/** Opens a log; `failed` hears of lines that could not be written. Errors: FILE_…. */
export async function openLineLog(path: string, failed: (error: unknown) => void): Promise<LineLog> {
  let file = await openEnd(path)
  let waiting: string[] = []
  let length = 0
  let isTorn = false
  let last = Promise.resolve(true)
  /** The write that takes what waits; undefined when nothing does. */
  let next: Promise<boolean> | undefined
  const write = async (): Promise<boolean> => {
    const text = waiting.join('')
    waiting = []
    length = 0
    next = undefined
    try {
      await file.appendFile(isTorn ? `\n${text}` : text)
      isTorn = false
      return true
    } catch (error) {
      isTorn = true // a part may have been written
      failed(error)
      return false
    }
  }
  return {
    append: async (line) => {
      if (length > MOST_WAITING) {
        failed(new Error('the disk of --log is too slow'))
        return false
      }
      waiting.push(line)
      length += line.length
      next ??= last = last.then(write)
      return next
    },
    reopen: async () => {
      const opened = await openEnd(path)
      let old = file
      last = last.then((written) => {
        old = file
        file = opened
        isTorn = false
        return written
      })
      await last
      await old.close()
    },
    close: async () => {
      await last
      await file.close()
    },
  }
}
