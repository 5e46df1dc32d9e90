import { runName } from '../lib/checkpoint/run-folder.js'
import { foldRunName, foldText } from '../lib/data/fold.js'
import { asLvmError } from '../lib/errors.js'
import type { TrainControl, TrainEvent, TrainOptions } from '../lib/index.js'
import { table } from '../lib/show.js'

/** Type of the library's `train`, which tests replace. */
export type Train = (options: TrainOptions, control: TrainControl) => AsyncIterable<TrainEvent>
/** Last event of a training. */
export type Result = Extract<TrainEvent, { type: 'result' }>
/** Seeds to train with, or folds, or both, and the common prefix of their run names. */
export interface Seeds {
  readonly count: number
  readonly first: number
  readonly name: string
  readonly folds?: number | undefined
}

/** Resumes a run, or starts it if it does not exist: an interruption leaves later seeds without a run. */
async function* resumedOrNew(train: Train, options: TrainOptions, control: TrainControl): AsyncIterable<TrainEvent> {
  try {
    yield* train(options, control)
  } catch (error) {
    if (!options.resume || asLvmError(error).code !== 'RUN_MISSING') throw error
    yield* train({ ...options, resume: false }, control)
  }
}

const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i)

/** What differs between the trainings: seed, fold and name. With folds, all seeds share the split. */
function each({ count, first, name, folds }: Seeds, { splitSeed }: TrainOptions) {
  if (folds === undefined) return from(first, count).map((seed) => ({ seed, name: `${name}_seed${seed}` }))
  const seeds = count === 1 ? [undefined] : from(first, count)
  return seeds.flatMap((seed) =>
    from(1, folds).map((index) => ({
      ...(seed !== undefined && { seed, splitSeed: splitSeed ?? first }),
      fold: foldText({ index, of: folds }),
      name: foldRunName(name, { index, of: folds }, seed),
    })),
  )
}

/** Trains once, or once per seed (NAME_seed1, …) and fold (NAME-fold1of5, …) in its own folder, until a training is interrupted. */
export async function* trainings(
  train: Train,
  options: TrainOptions,
  seeds: Seeds | undefined,
  control: TrainControl,
): AsyncIterable<TrainEvent> {
  if (seeds === undefined) return yield* train(options, control)
  let watch = control.watch
  for (const own of each(seeds, options)) {
    for await (const event of resumedOrNew(train, { ...options, ...own }, { ...control, ...(watch && { watch }) })) {
      yield event
      if (event.type === 'watch') watch = { port: Number(new URL(event.url).port) } // an open page then shows the next training too
      if (event.type === 'result' && event.stopped === 'interrupted') return
    }
  }
}

/** Mean and sample standard deviation. */
export function spread(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return { mean, sd: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)) }
}

/** Summarises the seeds or folds as a table and as the last event. Runs without a finished epoch are left out. */
export function summary(results: readonly Result[], unit: 'seeds' | 'trainings' = 'seeds') {
  const runs = results.flatMap((r) =>
    r.val_loss === null || r.val_cosine === null ? [] : [{ ...r, val_loss: r.val_loss, val_cosine: r.val_cosine }],
  )
  const loss = spread(runs.map((r) => r.val_loss))
  const cosine = spread(runs.map((r) => r.val_cosine))
  const figure = ({ mean, sd }: { mean: number; sd: number }, digits: number) => `${mean.toFixed(digits)} ± ${sd.toFixed(digits)}`
  const rows = table(runs, {
    run: (r) => runName(r.run),
    'best epoch': (r) => r.best_epoch,
    'val loss': (r) => r.val_loss.toFixed(6),
    'val cosine': (r) => r.val_cosine.toFixed(4),
  })
  return {
    text: `\n${rows}\nmean ± sd over ${runs.length} ${unit}: val loss ${figure(loss, 6)}, val cosine ${figure(cosine, 4)}`,
    event: {
      type: 'result',
      version: 1,
      model: results[0]!.model,
      runs: runs.map((r) => r.run),
      val_loss: loss,
      val_cosine: cosine,
    },
  }
}
