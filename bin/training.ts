import { runName } from '../lib/checkpoint/run-folder.js'
import { locateBase } from '../lib/data/locate.js'
import { readTextsOf } from '../lib/data/side-file.js'
import { LvmError } from '../lib/errors.js'
import type { TrainControl, TrainOptions } from '../lib/index.js'
import { shellWord } from '../lib/show.js'
import { program, resumption } from './command-line.js'
import { follows } from './follows.js'
import { manner } from './manner.js'
import { diagnostic, event as emit, nearby, print } from './output.js'
import { progress, terminal } from './progress.js'
import { type Result, type Seeds, summary, type Train, trainings } from './seeds.js'
import { interruption } from './signals.js'

/** Whether a file of vectors has a sentence beside its first row. */
async function hasSentences(data: unknown): Promise<boolean> {
  if (typeof data !== 'string') return false
  const { side } = locateBase(data)
  return side !== undefined && (await readTextsOf(side, new Set([0]))) !== undefined
}

/** A rank that was asked to stop stops all of them. */
const stoppedElsewhere = () => new LvmError('TERMINATED', 'another rank was stopped')

/** Trains once, or once per seed, and shows the progress; `stopped` is the reason of an interruption. */
export async function follow(
  train: Train,
  options: TrainOptions,
  seeds: Seeds | undefined,
  json: boolean,
  watch: TrainControl['watch'] = false,
): Promise<{ results: Result[]; stopped: LvmError | undefined }> {
  const stop = interruption(follows() ? () => {} : undefined)
  const shown = json ? emit : progress(terminal())
  const show: typeof shown = (event) => {
    if (follows()) return
    if (event.type === 'watch' && !json) return diagnostic(`watch the training at ${event.url}`)
    if (!manner.quiet || ['watch', 'result', 'warning'].includes(event.type)) shown(event)
  }
  const results: Result[] = []
  try {
    for await (const event of trainings(train, options, seeds, { signal: stop.signal, watch })) {
      show(event)
      if (event.type === 'result') results.push(event)
    }
  } finally {
    stop.release()
  }
  return { results, stopped: results.at(-1)?.stopped === 'interrupted' ? (stop.reason ?? stoppedElsewhere()) : undefined }
}

/** Trains, then prints the next command; after an interruption the folder of the checkpoint and the command that resumes. */
export async function runTraining(
  train: Train,
  options: TrainOptions,
  seeds: Seeds | undefined,
  { json, watch }: { json: boolean; watch: TrainControl['watch'] },
): Promise<void> {
  const { results, stopped } = await follow(train, options, seeds, json, watch)
  const folder = results.at(-1)?.run ?? ''
  if (follows()) process.exitCode = stopped?.exit ?? 0
  else if (stopped) {
    diagnostic(`the checkpoint is in ${nearby(folder)}\nresume with: ${resumption()}`)
    process.exitCode = stopped.exit
  } else if (seeds) {
    const all = summary(results, seeds.folds === undefined ? 'seeds' : 'trainings')
    if (json) emit(all.event)
    else print(all.text)
    if (!json && seeds.folds !== undefined) print(`next: ${program()} evaluate ${shellWord(runName(seeds.name))} --folds`)
  } else if (!json && !manner.quiet) {
    const name = shellWord(runName(folder))
    print(`next: ${program()} evaluate ${name}`)
    if (await hasSentences(options.data))
      print(`      ${program()} decode ${name} --exclude context    # its predictions as sentences`)
  }
}
