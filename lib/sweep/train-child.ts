import { join } from 'node:path'
import { type RunDetails, showRun } from '../checkpoint/list-runs.js'
import { isRun } from '../checkpoint/run-folder.js'
import { kebab } from '../show.js'
import type { TrainEvent } from '../train/train-events.js'
import { type Ended, runVerb } from './sweep-child.js'

/** A training in its own process. */
export interface Training {
  readonly model: string
  /** File of an architecture of one's own. */
  readonly modelFile?: string | undefined
  /** Name of its run, and the folder of runs. */
  readonly run: string
  readonly out: string
  readonly data: string
  readonly options: Readonly<Record<string, string | number | boolean>>
}

/** Options as command-line arguments. */
export const wordsOf = (options: Training['options']): string[] =>
  Object.entries(options).flatMap(([key, value]) => {
    if (typeof value === 'boolean') return [value ? `--${kebab(key)}` : `--no-${kebab(key)}`]
    return [`--${kebab(key)}=${value}`]
  })

/** State of a run: missing, unfinished, finished or damaged. */
export type Standing = 'none' | 'begun' | 'ended' | 'damaged'

/** State of a run on disk, with its details if there is one. */
export async function standing(out: string, run: string): Promise<{ stands: Standing; details: RunDetails | undefined }> {
  if (!(await isRun(join(out, run)))) return { stands: 'none', details: undefined }
  const details = await showRun(join(out, run), out, { deep: false })
  const { state } = details
  return { stands: state === 'damaged' ? 'damaged' : state === 'complete' ? 'ended' : 'begun', details }
}

/** Trains for at most `seconds`: from the checkpoint with `resume` and its changes, otherwise afresh. */
export function trainChild(
  { model, modelFile, run, out, data, options }: Training,
  o: {
    readonly resume: Training['options'] | undefined
    readonly overwrite: boolean
    readonly signal: AbortSignal | undefined
    readonly seconds?: number | undefined
    readonly hear: (event: TrainEvent) => void
  },
): Promise<Ended> {
  const afresh = [`--data=${data}`, ...wordsOf(options), ...(o.overwrite ? ['--overwrite'] : [])]
  const own = modelFile === undefined ? [] : [`--model-file=${modelFile}`]
  const words = [
    'train',
    model,
    ...own,
    `--name=${run}`,
    `--out=${out}`,
    ...(o.resume ? ['--resume', ...wordsOf(o.resume)] : afresh),
  ]
  return runVerb(words, { signal: o.signal, seconds: o.seconds, hear: (event) => o.hear(event as TrainEvent) })
}
