import { existsSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLog, METRICS } from '../../checkpoint/run-folder.js'
import type { HistoryRow, Progress } from '../../checkpoint/run-manifest.js'
import { names } from '../../files/leftovers.js'
import { lines } from '../../files/lines.js'
import { publish } from '../../files/write.js'
import type { Logger, LogLine } from './log-line.js'

/** State of a training that is resumed. */
export interface Resumed {
  readonly progress: Pick<Progress, 'epoch' | 'optimizer_steps'>
  readonly history: readonly HistoryRow[]
}

/** A line of the file; undefined for the remains of a kill. */
function parsed(text: string): LogLine | undefined {
  try {
    const line: unknown = JSON.parse(text)
    return typeof line === 'object' && line !== null ? (line as LogLine) : undefined
  } catch {
    return undefined
  }
}

/** Lines of metrics.jsonl; none without the file. */
export async function* metricsOf(folder: string): AsyncGenerator<LogLine> {
  const path = join(folder, METRICS)
  if (!existsSync(path)) return
  for await (const { texts } of lines(path)) {
    for (const text of texts) {
      const line = parsed(text)
      if (line !== undefined) yield line
    }
  }
}

/** Lines up to the state that is resumed; the row of an epoch whose save came before its line is added. */
export async function* keptLines(folder: string, { progress, history }: Resumed): AsyncGenerator<LogLine> {
  let last = -1
  for await (const line of metricsOf(folder)) {
    if (line.type === 'epoch' ? line.epoch >= progress.epoch : line.step > progress.optimizer_steps) continue
    if (line.type === 'epoch') last = line.epoch
    yield line
  }
  const row = history.at(-1)
  if (row === undefined || row.epoch <= last) return
  yield { type: 'epoch', time: new Date().toISOString(), step: progress.optimizer_steps, ...row }
}

const textOf = (line: LogLine) => `${JSON.stringify(line)}\n`
async function* textsOf(lines: AsyncIterable<LogLine>): AsyncGenerator<string> {
  for await (const line of lines) yield textOf(line)
}

/** Writes metrics.jsonl, which the other loggers read when a run is resumed; a new run removes the logs of an overwritten one. */
export function metricsLogger(folder: string, from: Resumed | undefined): Logger {
  let file: FileHandle | undefined
  return {
    begin: async () => {
      const path = join(folder, METRICS)
      if (from !== undefined) await publish({ [path]: textsOf(keptLines(folder, from)) })
      else for (const name of (await names(folder)).filter(isLog)) await rm(join(folder, name), { force: true })
      file = await open(path, 'a')
    },
    write: async (line) => {
      await file!.appendFile(textOf(line))
    },
    close: async () => {
      await file?.close()
    },
  }
}
