import { LvmError } from '../../errors.js'
import { fileSize } from '../../files/read-file.js'
import { IdTable } from './id-table.js'
import { logLines } from './log-lines.js'
import { type Feedback, keyOf, LogReader, type LogTally, type Missing } from './log-tally.js'
import { readRecord } from './served-log.js'

/** First pass: feedback may stand before its request in a log of several processes. Returns the number of duplicates too. */
async function readFeedback(path: string, size: number): Promise<{ feedback: Feedback; duplicates: number }> {
  const feedback = { given: new IdTable(), depth: new IdTable() }
  let duplicates = 0
  for await (const { lines } of logLines(path, size)) {
    for (const line of lines) {
      const record = line.includes('"feedback"') ? readRecord(line) : undefined
      if (record?.type !== 'feedback') continue
      const { request_id, context, reward, row } = record
      const key = keyOf(request_id, context)
      if (feedback.given.get(key) !== undefined) {
        duplicates++
        continue
      }
      feedback.given.set(key, reward ?? -1 - row!)
      feedback.depth.set(request_id, Math.max(context + 1, feedback.depth.get(request_id) ?? 0))
    }
  }
  return { feedback, duplicates }
}

/**
 * Reads the log of a server in two passes; a server may go on writing it.
 *
 * Errors: FILE_MISSING; DATA_TOO_FEW for an empty log; DATA_FORMAT for a file without a record.
 */
export async function readLog(path: string, missing: Missing): Promise<LogTally> {
  const size = await fileSize(path)
  if (size === 0) {
    throw new LvmError('DATA_TOO_FEW', `${path}: expected the log of a server but the file is empty`, {
      hint: 'send requests to a server that runs with --log FILE first',
    })
  }
  const { feedback, duplicates } = await readFeedback(path, size)
  const reader = new LogReader(feedback, missing)
  const { tally } = reader
  const { faults } = tally
  faults.duplicate_feedback = duplicates
  let records = 0
  for await (const { lines, skipped, open } of logLines(path, size)) {
    faults.garbage += skipped
    tally.lines += skipped
    for (const line of lines) {
      if (line.trim() === '') continue
      tally.lines++
      const record = readRecord(line)
      if (record === undefined) faults[open ? 'half_written' : 'garbage']++
      else records++
      if (record?.type === 'served') reader.add(record)
    }
  }
  faults.unmatched_feedback = feedback.given.size - reader.matched
  if (records > 0) return tally
  throw new LvmError('DATA_FORMAT', `${path}: expected records of a server's log but none of its ${tally.lines} lines is one`, {
    hint: 'give the file that serve --log wrote',
  })
}
