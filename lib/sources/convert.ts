import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, LvmError } from '../errors.js'
import type { Limits } from '../files/limits.js'
import { speaksShell } from '../hints.js'
import { freeMemory } from '../libtorch/memory.js'
import { packageRoot } from '../libtorch/paths.js'
import { stoppedBy } from '../stages.js'
import { isParsed, openTable } from './open-table.js'
import type { SourcePath } from './source-path.js'
import { rolesOf } from './table.js'
import { type WrittenRows, writeRows } from './write-rows.js'

/** What the thread converts, and where to. */
export interface ThreadTask {
  readonly source: SourcePath
  readonly to: { readonly vectors: string; readonly side: string }
  readonly limits: Limits
  readonly inShell: boolean
}
/** Progress of the thread, its result or its error. */
export type ThreadAnswer =
  | { readonly rows: number }
  | { readonly written: WrittenRows }
  | { readonly failed: { readonly code: ErrorCode; readonly message: string; readonly hint: string } }

/** Watches a conversion, and can end it. */
export interface Watch {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: { readonly rows: number }) => void) | undefined
}

const SCRIPT = () => join(packageRoot(), 'dist', 'lib', 'sources', 'convert-thread.js')

function outOfMemory(file: string, cause: Error): LvmError {
  return new LvmError('OUT_OF_MEMORY', `${file}: expected its rows to fit into memory some at a time but they do not`, {
    cause,
    hint: 'write it again with smaller row groups or record batches, for example of 20,000 rows',
  })
}

function inThread(task: Omit<ThreadTask, 'inShell'>, { signal, onProgress }: Watch): Promise<WrittenRows> {
  const worker = new Worker(SCRIPT(), {
    workerData: { ...task, inShell: speaksShell() } satisfies ThreadTask,
    resourceLimits: { maxOldGenerationSizeMb: Math.max(512, Math.floor((0.7 * freeMemory()) / 2 ** 20)) },
  })
  let stop = () => {}
  return new Promise<WrittenRows>((resolve, reject) => {
    stop = () => reject(stoppedBy(signal!))
    signal?.addEventListener('abort', stop, { once: true })
    worker.on('message', (answer: ThreadAnswer) => {
      if ('rows' in answer) onProgress?.(answer)
      else if ('written' in answer) resolve(answer.written)
      else reject(new LvmError(answer.failed.code, answer.failed.message, { hint: answer.failed.hint }))
    })
    worker.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? outOfMemory(task.source.file, error) : error),
    )
    worker.once('exit', () =>
      reject(new LvmError('INTERNAL', `${task.source.file}: the thread that reads it ended without an answer`)),
    )
  }).finally(() => {
    signal?.removeEventListener('abort', stop)
    return worker.terminate()
  })
}

/** Converts a file to `.npy`, with a `.jsonl` where it has facts about its rows. Errors: those of the format, of its columns and of writing. */
export async function convertFile(
  source: SourcePath,
  to: { readonly vectors: string; readonly side: string },
  limits: Limits,
  watch: Watch = {},
): Promise<WrittenRows> {
  if (watch.signal?.aborted) throw stoppedBy(watch.signal)
  if (isParsed(source.file)) return inThread({ source, to, limits }, watch)
  const table = await openTable(source.file, limits)
  return writeRows(table, rolesOf(table, source.selection), to, (rows) => {
    if (watch.signal?.aborted) throw stoppedBy(watch.signal)
    watch.onProgress?.({ rows })
  })
}
