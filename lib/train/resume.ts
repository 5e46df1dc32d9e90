import { join } from 'node:path'
import { readHistory } from '../checkpoint/run-documents.js'
import { FINAL, type History, type Progress, type RunManifest, SPLIT } from '../checkpoint/run-manifest.js'
import type { Checkpoint } from '../checkpoint/verify-save.js'
import { badOption, LvmError, shown } from '../errors.js'
import type { Architecture } from '../spec/architecture.js'
import { type Prepared, prepare } from './prepare.js'
import type { Plan, TrainSettings } from './recipe.js'
import { resumed } from './resumed-plan.js'
import { extended, planned, totalSteps } from './schedule.js'

/** State of a run to resume from. */
export interface From {
  readonly path: string
  readonly progress: Progress
  readonly history: History['history']
  readonly facts: RunManifest
  /** Whether resuming discards an incomplete epoch with the best weights; the best weights before it then count again. */
  readonly undone: boolean
}

/** Plan and data of a training, and for a resumed one its state. */
export interface Start {
  readonly plan: Plan
  readonly data: Prepared
  readonly from?: From
}

/** Errors: BAD_OPTION for fewer epochs or steps than the run already has. */
function requireMore({ epochs, maxSteps }: TrainSettings, { epoch, step, optimizer_steps }: Progress): void {
  const begun = step > 0 ? epoch : epoch - 1
  if (epochs < begun) throw badOption('train', 'epochs', `at least ${begun}, the number already begun,`, epochs)
  if (maxSteps !== undefined && maxSteps < optimizer_steps)
    throw badOption('train', 'maxSteps', `at least ${optimizer_steps}, the number already made,`, maxSteps)
}

const stepsPerEpoch = ({ batchSize, accumulate }: TrainSettings, { read: { items, groups = batchSize } }: Prepared): number =>
  Math.ceil(items / (groups * accumulate))

/** Undoes the evaluation of an epoch that `maxSteps` cut short, so that the epoch can be finished. */
function undo({ cut, ...progress }: Progress, history: History['history']): Pick<From, 'progress' | 'history' | 'undone'> {
  const beaten = progress.best !== null && progress.best.epoch === cut!.epoch
  return { progress: { ...progress, ...cut! }, history: history.slice(0, -1), undone: beaten && cut!.best !== null }
}

/** Reads the state of a run, and the settings and data to resume with. Errors: BAD_OPTION, BAD_CHECKPOINT, those of the data. */
export async function goOn(model: Architecture, given: Record<string, unknown>, { path, manifest }: Checkpoint): Promise<Start> {
  const facts = manifest as RunManifest
  const { progress: saved, data: on, options } = facts
  if (facts.model !== model.name)
    throw badOption(
      'train',
      'model',
      `${shown(facts.model)}, as the run was started,`,
      model.name,
      'start another run with --name',
    )
  if (saved === null || on === null)
    throw new LvmError(
      'BAD_OPTION',
      'train: expected a run that was trained here but it was imported or trained in a loop of one’s own, so it cannot be resumed',
    )
  if (manifest.files[FINAL] === undefined)
    throw new LvmError(
      'BAD_OPTION',
      `train: expected a run with ${FINAL} but "runs prune" has removed it, so it cannot be resumed`,
      {
        hint: 'start another run with --name; --init takes the weights of this one',
      },
    )
  const going = resumed(model, given, options, saved)
  requireMore(going.train, saved)
  const data = await prepare(going.train, { split: join(path, SPLIT), data: on })
  try {
    const perEpoch = stepsPerEpoch(going.train, data)
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
          `epoch ${epoch - 1} was cut short, and its remaining windows are skipped: an older version made the run`,
        ]
      : data.warnings
    return { plan: going, data: { ...data, warnings }, from: { path, facts, ...stands } }
  } catch (error) {
    data.dispose()
    throw error
  }
}
