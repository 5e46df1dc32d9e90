import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileError, LvmError } from '../errors.js'
import { canonicalJson, textHash } from '../files/hash.js'
import { syncFolder } from '../files/write.js'
import type { JournalEntry, Told } from './journal-entry.js'

export const JOURNAL = 'journal.jsonl'

/** Checksum of an entry: it covers the checksum of the entry before, so that a missing line is noticed too. */
const checkOf = (before: string, entry: object) => textHash(`${before}\n${canonicalJson(entry)}`).slice(0, 16)

/** Content of a journal. */
export interface Journal {
  readonly entries: readonly JournalEntry[]
  /** Bytes of the complete lines; a kill during a write leaves further bytes, the beginning of a line. */
  readonly bytes: number
  readonly torn: boolean
  readonly check: string
}

const damaged = (path: string, line: number, why: string) =>
  new LvmError('DATA_FORMAT', `${path}:${line}: ${why}`, {
    hint: 'restore the file from a backup, or use another --out; a journal is never changed by hand',
  })

/** Reads a journal; a half-written last line is left out. Errors: DATA_FORMAT for a changed, missing or foreign line. */
export function readJournal(folder: string): Journal | undefined {
  const path = join(folder, JOURNAL)
  let content: Buffer
  try {
    content = readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const entries: JournalEntry[] = []
  let [check, bytes] = ['', 0]
  while (bytes < content.length) {
    const end = content.indexOf(10, bytes)
    if (end < 0) break
    const line = entries.length + 1
    let parsed: { check?: string } | undefined
    try {
      parsed = JSON.parse(content.toString('utf8', bytes, end)) as { check?: string }
    } catch {
      if (end === content.length - 1) break // after a power failure the last line may hold other bytes
      throw damaged(path, line, 'expected one JSON object a line but received something else')
    }
    const { check: said, ...entry } = parsed ?? {}
    check = checkOf(check, entry)
    if (said !== check)
      throw damaged(path, line, 'expected a line that matches its checksum but it, or a line before it, was changed')
    entries.push(entry as JournalEntry)
    bytes = end + 1
  }
  return { entries, bytes, torn: bytes < content.length, check }
}

/** The only writer of a journal; the caller holds the lock of the folder. */
export interface JournalWriter {
  readonly entries: readonly JournalEntry[]
  /** Whether a half-written last line was cut off. */
  readonly cut: boolean
  /** Appends an entry and returns when it is on disk. */
  append(entry: Told): JournalEntry
  close(): void
}

/** Opens a journal for appending, and cuts off a half-written last line. Errors: DATA_FORMAT; NO_DISK and FILE_ACCESS when writing. */
export async function openJournal(folder: string): Promise<JournalWriter> {
  const before = readJournal(folder)
  const path = join(folder, JOURNAL)
  const file = openSync(path, 'a')
  if (before === undefined) await syncFolder(folder)
  if (before?.torn) {
    ftruncateSync(file, before.bytes)
    fsyncSync(file)
  }
  const entries = [...(before?.entries ?? [])]
  let check = before?.check ?? ''
  let size = before?.bytes ?? 0
  return {
    entries,
    cut: before?.torn === true,
    append(told) {
      const entry = JSON.parse(JSON.stringify({ ...told, at: new Date().toISOString() })) as JournalEntry // as it will be read
      const next = checkOf(check, entry)
      const line = Buffer.from(`${JSON.stringify({ ...entry, check: next })}\n`)
      try {
        for (let done = 0; done < line.length; ) done += writeSync(file, line, done)
        fsyncSync(file)
      } catch (error) {
        ftruncateSync(file, size) // a full disk must not leave half a line before the next one
        throw fileError(error, `could not append to ${path}`)
      }
      check = next
      size += line.length
      entries.push(entry)
      return entry
    },
    close: () => closeSync(file),
  }
}
