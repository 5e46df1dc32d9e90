import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publish } from '../../files/write.js'
import { figuresOf, type Logger, type LogLine } from './log-line.js'
import { metricsOf } from './metrics-log.js'

const FIRST = ['type', 'time', 'step', 'epoch'] as const
const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Writes metrics.csv: a row for each line of metrics.jsonl, and a column for each figure; a new figure rewrites the file. */
export function csvLogger(folder: string): Logger {
  const path = join(folder, 'metrics.csv')
  const columns: string[] = []
  const learn = (line: LogLine): boolean => {
    const fresh = Object.keys(figuresOf(line)).filter((name) => !columns.includes(name))
    columns.push(...fresh)
    return fresh.length > 0
  }
  const row = (line: LogLine): string => {
    const figures = figuresOf(line)
    return `${[...FIRST.map((key) => String(line[key])), ...columns.map((name) => figures[name] ?? '')].join(',')}\n`
  }
  async function* all(): AsyncGenerator<string> {
    yield `${[...FIRST, ...columns].map(cell).join(',')}\n`
    for await (const line of metricsOf(folder)) yield row(line)
  }
  return {
    begin: async (kept) => {
      for await (const line of kept()) learn(line)
      await publish({ [path]: all() })
    },
    write: (line) => (learn(line) ? publish({ [path]: all() }) : appendFile(path, row(line))),
    close: async () => {},
  }
}
