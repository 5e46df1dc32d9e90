import { basename } from 'node:path'
import type { ModelName, OwnOptions } from '../architectures/index.js'
import { claimRun } from '../checkpoint/claim.js'
import { runFolder } from '../checkpoint/run-folder.js'
import type { Store } from '../checkpoint/run-store.js'
import { mainData, someData, type WithData } from '../data/given-data.js'
import { locateBase } from '../data/locate.js'
import { requireWindows, shortestOf } from '../data/windows.js'
import { abortSignal, eventDoor, only, optional, withFields } from '../door.js'
import { native } from '../native.js'
import type { Given } from '../options.js'
import type { Architecture } from '../spec/architecture.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { useMultiplier } from '../torch/multiplier.js'
import { auditData } from './audit-first.js'
import { CALLBACKS, type Callbacks, followed } from './callbacks.js'
import { requireLengths } from './context-lengths.js'
import { type Ended, ended, epochs } from './epochs.js'
import { estimate, requireRoom } from './estimate.js'
import { type Initial, openInitial } from './initial.js'
import { openLogs } from './log/loggers.js'
import { givenArchitecture, nameOrArchitecture, requireSameSpec } from './own-model.js'
import { slowPrecision } from './precision.js'
import { type Prepared, prepare } from './prepare.js'
import { ask, plan, reachOf } from './recipe.js'
import { goOn, type Start } from './resume.js'
import { settingsOf } from './save.js'
import { closeSession, openSession, type Session } from './session.js'
import type { Told, TrainEvent } from './train-events.js'
import type { trainFields } from './train-fields.js'

/** Options of a training: the model, any field of `trainFields`, and the options of that model. */
export type TrainOptions = {
  [M in ModelName]: {
    /** Name of the model. */
    readonly model: M
  } & WithData<Given<typeof trainFields>, 'data' | 'val'> &
    OwnOptions<M>
}[ModelName]
/** Options of a training of one's own architecture: those of `TrainOptions`, with the options of that architecture. */
export type OwnTrainOptions<A extends Architecture = Architecture> = {
  /** What `architecture()` of `lvm-torch/spec` returns. */
  readonly model: A
} & WithData<Given<typeof trainFields>, 'data' | 'val'> &
  Given<A['fields']>

function startEvent(
  folder: string,
  { plan: { architecture, train }, data, parameters, device, threads, progress: { plan = [] } }: Session,
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
    device,
    precision: train.weights === 'bf16' ? 'bf16' : train.precision,
    threads,
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
    estimate: { memory_bytes, disk_bytes },
    ...(plan.length > 1 && { extended: plan.slice(1) }),
  }
}

/** What a training is stopped with, and functions that it calls. */
export interface TrainControl extends Callbacks {
  readonly signal?: AbortSignal
}
const ARGS = {
  options: withFields({ model: nameOrArchitecture, data: optional(mainData), val: optional(someData) }),
  control: only({ signal: optional(abortSignal), ...CALLBACKS }),
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

/**
 * Trains a predictor and saves it as a run; iterate over the events to run it, abort to stop within a step with a valid checkpoint.
 *
 * Errors: BAD_OPTION, RUN_EXISTS, RUN_LOCKED, those of the data, GATE_FAILED when its audit fails, OUT_OF_MEMORY, NO_DISK, DIVERGED (the last good checkpoint is kept).
 */
export const train = eventDoor('train', ARGS, async function* <
  A extends Architecture = never,
>(options: TrainOptions | OwnTrainOptions<A>, control: TrainControl = {}): AsyncGenerator<TrainEvent, void, void> {
  const { signal, ...callbacks } = control
  for await (const event of run(options, signal, callbacks)) yield { version: 1, ...event }
})

/** Sets device, threads and multiplier, checks memory and disk, and builds model and trainer. */
async function openTraining({ plan: settings, data, from }: Start, store: Store, initial: Initial | undefined) {
  const { architecture, train, model } = settings
  const device = resolveDevice(train.device)
  const threads = useThreads(train.threads, { recorded: from && store.folder })
  const replaced = await useMultiplier(from?.facts.multiplier)
  const { dim } = data.train.base
  const { node: spec } = architecture.spec({ dim, context: data.context }, model)
  requireSameSpec(architecture, spec, from?.facts)
  requireLengths(architecture.name, spec, Math.min(shortestOf(data.train.windows), shortestOf(data.val.windows)))
  const needed = estimate(train, spec, { dim, context: data.context, dataBytes: data.bytes })
  const tight = await requireRoom(store.folder, needed, { device, dataBytes: data.bytes })
  requireWindows(data.split.train.length, train.batchSize, 'training windows')
  const session = await openSession(settings, data, {
    spec,
    device,
    threads,
    recompute: needed.recompute,
    initial,
    ...(from && { from }),
  })
  return { session, needed, tight, replaced }
}
type Opened = Awaited<ReturnType<typeof openTraining>>

/** Events before the first step: start, initial weights, warnings. */
function* firstEvents({ session, needed, tight, replaced }: Opened, store: Store, isResumed: boolean): Generator<Told> {
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

/** Trains until the end or until stopped; then warns of data that changed meanwhile and gives the result. */
async function* trainEpochs(
  session: Session,
  store: Store,
  model: string,
  { signal, own }: { signal: AbortSignal; own: AbortSignal },
): AsyncGenerator<Told> {
  const { data, trainer } = session
  const stop = () => native.trainerStop(trainer)
  signal.addEventListener('abort', stop)
  try {
    const stopped = yield* epochs(session, store, signal)
    for (const { base } of new Set([data.train, data.val])) {
      if (base.mapped || !(await base.changed?.())) continue
      const message = `${base.path} changed after it was read: the run was trained on the earlier content with SHA-256 ${base.hash}`
      yield { type: 'warning', code: 'DATA_CHANGED', message }
    }
    const { best, seconds } = session.progress
    yield {
      type: 'result',
      run: store.folder,
      model,
      stopped: stopped === 'interrupted' && own.aborted ? 'callback' : stopped,
      best_epoch: best?.epoch ?? null,
      val_loss: best?.val_loss ?? null,
      val_cosine: best?.val_cosine ?? null,
      ...(best?.val_top10 !== undefined && { val_top10: best.val_top10 }),
      seconds,
    }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function* run(
  { model: named, ...given }: TrainOptions | OwnTrainOptions,
  outer: AbortSignal | undefined,
  callbacks: Callbacks,
): AsyncGenerator<Told> {
  const own = new AbortController()
  const signal = outer === undefined ? own.signal : AbortSignal.any([outer, own.signal])
  const model = await givenArchitecture(named, given)
  const { asked } = ask(model, given)
  const { resume, overwrite, name, out } = asked
  const fresh = resume ? undefined : plan(model, given)
  if (fresh?.train.data !== undefined) locateBase(fresh.train.data) // before libtorch loads, so that a wrong file name fails at once
  const store = await claimRun('train', runFolder(name ?? model.folder, out), { resume, overwrite })
  let data: Prepared | undefined
  let session: Session | undefined
  try {
    if (fresh !== undefined) resolveDevice(fresh.train.device) // before the data is read, which can take minutes
    const initial = fresh && (await openInitial(fresh))
    const started: Start = fresh ? { plan: fresh, data: await prepare(fresh.train) } : await goOn(model, given, store.current()!)
    data = started.data
    const opened = await openTraining(started, store, initial)
    session = opened.session
    yield* firstEvents(opened, store, resume)
    const { train } = started.plan
    if (fresh !== undefined) session.audit = yield* auditData(data, train.force, signal)
    if (train.precision === 'bf16' && session.device === 'cpu') {
      const slow = await slowPrecision()
      if (slow !== undefined) yield { type: 'warning', code: 'SLOW_PRECISION', message: slow }
    }
    const logs = await openLogs(store.folder, train.log, {
      from: started.from && session,
      name: basename(store.folder),
      settings: () => settingsOf(session!),
    })
    const events = trainEpochs(session, store, model.name, { signal, own: own.signal })
    yield* followed(events, session, { callbacks, logs, run: store.folder, signal, stop: () => own.abort() })
  } finally {
    if (session !== undefined) closeSession(session)
    data?.dispose()
    await store.close()
  }
}
