import type { Store } from '../checkpoint/run-store.js'
import { type Ended, ended } from './epochs.js'
import { reachOf } from './recipe.js'
import type { Session } from './session.js'
import type { Told } from './train-events.js'

/** An opened training, and what was found on the way. */
export interface Opened {
  readonly session: Session
  readonly needed: { readonly memory_bytes: number; readonly disk_bytes: number }
  /** Warning about memory. */
  readonly tight: string | undefined
  /** Warning about a kernel that was replaced. */
  readonly replaced: string | undefined
}

function startEvent(
  folder: string,
  { plan: { architecture, train }, data, parameters, chosen, device, threads, progress: { plan = [] }, group }: Session,
  { memory_bytes, disk_bytes }: { memory_bytes: number; disk_bytes: number },
  isResumed: boolean,
): Told {
  const { base, windows } = data.train
  const { mode, leaky, fold, train: ids, val, test } = data.split
  return {
    type: 'start',
    run: folder,
    model: architecture.name,
    parameters,
    trainable_parameters: chosen.trainable,
    device,
    precision: train.weights === 'bf16' ? 'bf16' : train.precision,
    threads,
    ...(group && { processes: group.size }),
    resumed: isResumed,
    data: {
      path: base.path,
      rows: base.rows,
      dim: base.dim,
      articles: new Set(windows.article).size,
      windows: { train: ids.length, val: val.length, test: test?.length ?? 0 },
      space: base.space ?? null,
    },
    split: { mode, leaky, ...(fold && { fold }) },
    context: data.context,
    ...(train.history !== undefined && { history: reachOf(train).history!, min_history: train.minHistory }),
    objective: train.objective,
    ...(data.read.groups !== undefined && { batch_vectors: train.batchVectors }),
    estimate: { memory_bytes, disk_bytes },
    ...(plan.length > 1 && { extended: plan.slice(1) }),
  }
}

/** Says why a finished run trains nothing, and which option extends it. */
function nothingToTrain({ plan: { train }, progress: { best, epoch, optimizer_steps } }: Session, why: Ended): string {
  const further = train.schedule === 'warmup-cosine' ? 'with "extend" extends the run' : 'extends the run'
  const reasons = {
    'early-stop': `no epoch after epoch ${best?.epoch} improved on it; a larger "earlyStop" extends the run`,
    'max-steps': `step ${optimizer_steps} of ${train.maxSteps} is done; a larger "maxSteps" ${further}`,
    done: `epoch ${epoch - 1} of ${train.epochs} is done; a larger "epochs" ${further}`,
  }
  return `nothing to train: ${reasons[why]}`
}

/** Events before the first step: start, initial weights, warnings. */
export function* firstEvents({ session, needed, tight, replaced }: Opened, store: Store, isResumed: boolean): Generator<Told> {
  const { data, init, initialised } = session
  yield startEvent(store.folder, session, needed, isResumed)
  if (initialised !== undefined) yield { type: 'init', ...init!, ...initialised.placed }
  const end = isResumed ? ended(session) : undefined
  const warnings: readonly (readonly [code: string, message: string | undefined])[] = [
    ['BAD_CHECKPOINT', store.rescued],
    ...[...data.warnings, ...(initialised?.warnings ?? [])].map((message) => ['DATA', message] as const),
    ['MEMORY', tight],
    ['KERNEL', replaced],
    ['NOTHING_TO_TRAIN', end && nothingToTrain(session, end)],
  ]
  for (const [code, message] of warnings) if (message !== undefined) yield { type: 'warning', code, message }
}
