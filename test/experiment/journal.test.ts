import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { spentSeconds } from '../../lib/experiment/begin.js'
import { JOURNAL, openJournal, readJournal } from '../../lib/experiment/journal.js'
import type { JournalEntry, Told } from '../../lib/experiment/journal-entry.js'
import { place } from '../train/runs.js'

const removed = (id: string): Told => ({ type: 'removed', id, bytes: 1 })
async function written(name: string, count: number): Promise<string> {
  const folder = place(name)
  mkdirSync(folder)
  const journal = await openJournal(folder)
  for (let i = 0; i < count; i++) journal.append(removed(`run ${i}`))
  journal.close()
  return folder
}
const idsOf = (folder: string) => readJournal(folder)!.entries.map((entry) => (entry as { id?: string }).id)

it('a journal that is cut after any byte keeps every complete line and goes on after it', async () => {
  const folder = await written('cut', 3)
  const path = join(folder, JOURNAL)
  const whole = readFileSync(path)
  const ends = [...whole.keys()].filter((i) => whole[i] === 10).map((i) => i + 1)
  for (let size = whole.length - 1; size >= 0; size -= 7) {
    writeFileSync(path, whole)
    truncateSync(path, size)
    const complete = ends.filter((end) => end <= size).length
    expect(idsOf(folder).length).toBe(complete)
    const journal = await openJournal(folder)
    expect(journal.cut).toBe(!ends.includes(size) && size > 0)
    journal.append(removed('next'))
    journal.close()
    expect(idsOf(folder)).toEqual([...['run 0', 'run 1', 'run 2'].slice(0, complete), 'next'])
  }
})
it('a changed, missing or foreign line is refused with its number', async () => {
  const folder = await written('changed', 4)
  const path = join(folder, JOURNAL)
  const whole = readFileSync(path, 'utf8')
  const lines = whole.split('\n').slice(0, -1)
  const put = (list: string[]) => writeFileSync(path, `${list.join('\n')}\n`)
  put(lines.map((line, i) => (i === 1 ? line.replace('"bytes":1', '"bytes":2') : line)))
  expect(() => readJournal(folder)).toThrow(/journal\.jsonl:2: expected a line that matches its checksum/)
  put(lines.filter((_, i) => i !== 1))
  expect(() => readJournal(folder)).toThrow(/journal\.jsonl:2: /)
  put([lines[0]!, 'noise', ...lines.slice(1)])
  expect(() => readJournal(folder)).toThrow(/journal\.jsonl:2: expected one JSON object a line/)
  put([lines[1]!, lines[0]!])
  expect(() => readJournal(folder)).toThrow(/journal\.jsonl:1: /)
  put(lines.map((line, i) => (i === 3 ? line.replace('"bytes":1', '"bytes":2') : line)))
  expect(() => readJournal(folder)).toThrow(/journal\.jsonl:4: expected a line that matches its checksum/)
})
it('bytes after the last line, as a power failure leaves them, are cut off', async () => {
  const folder = await written('garbage', 2)
  appendFileSync(join(folder, JOURNAL), `${'\0'.repeat(100)}\n`)
  expect(idsOf(folder)).toEqual(['run 0', 'run 1'])
  const journal = await openJournal(folder)
  expect(journal.cut).toBe(true)
  journal.close()
  expect(readFileSync(join(folder, JOURNAL), 'utf8')).not.toContain('\0')
})
it('a folder without a journal has none', () => {
  expect(readJournal(place('nothing'))).toBeUndefined()
})
it('time between two calls does not count', () => {
  const at = (seconds: number) => ({ at: new Date(1000 * seconds).toISOString() })
  const entries = [
    { type: 'plan', ...at(0) },
    { type: 'begin', ...at(1) },
    { type: 'run', ...at(5) },
    { type: 'run', ...at(9) },
    { type: 'begin', ...at(1000) },
    { type: 'begin', ...at(2000) },
    { type: 'pause', ...at(2003) },
  ]
  expect(spentSeconds(entries as JournalEntry[])).toBe(8 + 3)
})
it('a clock that is set back during a call gives no more time than one line lasted', () => {
  const at = (seconds: number) => ({ at: new Date(1e6 + 1000 * seconds).toISOString() })
  const entries = [
    { type: 'begin', ...at(0) },
    { type: 'run', ...at(10) },
    { type: 'run', ...at(-590) },
    { type: 'run', ...at(-580) },
  ]
  expect(spentSeconds(entries as JournalEntry[])).toBe(20)
})
