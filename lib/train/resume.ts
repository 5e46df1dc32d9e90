import { join } from 'node:path'
import { readHistory } from '../checkpoint/run-documents.js'
import { type History, type Progress, type RunManifest, SPLIT } from '../checkpoint/run-manifest.js'
import type { Checkpoint } from '../checkpoint/verify-save.js'
import { badOption, LvmError, shown } from '../errors.js'
import { type Prepared, prepare } from './prepare.js'
import { type Plan, resumed, type TrainSettings } from './recipe.js'
import { extended, planned, totalSteps } from './schedule.js'

/** Where a run stands that goes on. */
export interface From {
  readonly path: string
  readonly progress: Progress
  readonly history: History['history']
  readonly facts: RunManifest
  /** The best weights are those that a cut short epoch had beaten. */
  readonly undone: boolean
}

/** A training that is about to start, and where it stands if it goes on. */
export interface Start {
  readonly plan: Plan
  readonly data: Prepared
  readonly from?: From
}

/** Refuses fewer epochs or steps than there are. Errors: BAD_OPTION. */
function requireMore({ epochs, maxSteps }: TrainSettings, { epoch, step, optimizer_steps }: Progress): void {
  const begun = step > 0 ? epoch : epoch - 1
  if (epochs < begun) throw badOption('train', 'epochs', `at least ${begun}, as many as were begun,`, epochs)
  if (maxSteps !== undefined && maxSteps < optimizer_steps)
    throw badOption('train', 'maxSteps', `at least ${optimizer_steps}, as many as were made,`, maxSteps)
}

/** Goes back to before an epoch was judged that `maxSteps` had cut short, so that it can be trained to its end. */
function undo({ cut, ...progress }: Progress, history: History['history']): Pick<From, 'progress' | 'history' | 'undone'> {
  const beaten = progress.best !== null && progress.best.epoch === cut!.epoch
  return { progress: { ...progress, ...cut! }, history: history.slice(0, -1), undone: beaten && cut!.best !== null }
}

/** Reads where a run stands, and the settings and data that it goes on with. Errors: BAD_OPTION, BAD_CHECKPOINT, those of the data. */
export async function goOn(model: string, given: Record<string, unknown>, { path, manifest }: Checkpoint): Promise<Start> {
  const facts = manifest as RunManifest
  const { progress: saved, data: on, options } = facts
  if (facts.model !== model)
    throw badOption('train', 'model', `${shown(facts.model)}, as the run was started,`, model, 'start another run with --name')
  if (saved === null || on === null)
    throw new LvmError('BAD_OPTION', 'train: expected a run that was trained here but it was imported, and cannot be resumed')
  const going = resumed(model, given, options)
  requireMore(going.train, saved)
  const data = await prepare(going.train, { split: join(path, SPLIT), hash: on.hash, valHash: on.val?.hash ?? null })
  try {
    const { batchSize, accumulate } = going.train
    const perEpoch = Math.ceil(data.split.train.length / (batchSize * accumulate))
    const [total, done] = [totalSteps(going.train, perEpoch), saved.optimizer_steps]
    const before = saved.plan ?? planned(totalSteps(options.train as unknown as TrainSettings, perEpoch))
    const progress = { ...saved, plan: extended(going.train, before, total, done) }
    const { history } = await readHistory(path)
    const stands = progress.cut && total > done ? undo(progress, history) : { progress, history, undone: false }
    const { epoch, step } = stands.progress
    const skipped = step === 0 && epoch > 1 && total > done && done < (epoch - 1) * perEpoch
    const warnings = skipped
      ? [
          ...data.warnings,
          `epoch ${epoch - 1} was cut short, and its remaining windows are left out: the run was made by an older version`,
        ]
      : data.warnings
    return { plan: going, data: { ...data, warnings }, from: { path, facts, ...stands } }
  } catch (error) {
    data.dispose()
    throw error
  }
}
