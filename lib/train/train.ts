import { basename } from 'node:path'
import { architectures, type ModelName, type OwnOptions } from '../architectures/index.js'
import { nameOrArchitecture } from '../architectures/own.js'
import { claimRun } from '../checkpoint/claim.js'
import { isRun, runFolder } from '../checkpoint/run-folder.js'
import type { Store } from '../checkpoint/run-store.js'
import { mainData, someData, type WithData } from '../data/given-data.js'
import { locateBase } from '../data/locate.js'
import { abortSignal, eventDoor, only, optional, withFields } from '../door.js'
import { badOption } from '../errors.js'
import { native } from '../native.js'
import type { Given } from '../options.js'
import { type Group, openGroup, placeOf } from '../ranks/group.js'
import { isRestart } from '../ranks/rank-place.js'
import type { Architecture } from '../spec/architecture.js'
import { resolveDevice } from '../torch/device.js'
import { auditData } from './audit-first.js'
import { CALLBACKS, type Callbacks, followed } from './callbacks.js'
import { epochs } from './epochs.js'
import { firstEvents, type Opened } from './first-events.js'
import { openInitial } from './initial.js'
import { openLogs } from './log/loggers.js'
import { keptLines } from './log/metrics-log.js'
import { openTraining } from './open-training.js'
import { givenArchitecture } from './own-model.js'
import { slowPrecision } from './precision.js'
import { type Prepared, prepare } from './prepare.js'
import { claimTogether } from './ranks/follow.js'
import { begin, requireShareable } from './ranks/shared-training.js'
import { ask, FEWEST_WHITENED, type Plan, plan } from './recipe.js'
import { goOn, type Start } from './resume.js'
import { settingsOf } from './save.js'
import { closeSession, type Session } from './session.js'
import { requireNoTests, testsOf } from './settings-tests.js'
import type { Told, TrainEvent } from './train-events.js'
import type { trainFields } from './train-fields.js'
import { openWatch, shownOn, type Watch } from './watch/show-training.js'
import { type WatchOption, watchedPort, watchOption } from './watch/watch-fields.js'

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

/** What a training is stopped with, and functions that it calls. */
export interface TrainControl extends Callbacks {
  readonly signal?: AbortSignal
  /** Serves a page with the curves of the training while it runs, to this machine only, at the address of the event `watch`. */
  readonly watch?: WatchOption
}
const ARGS = {
  options: withFields({ model: nameOrArchitecture, data: optional(mainData), val: optional(someData) }),
  control: only({ signal: optional(abortSignal), watch: optional(watchOption), ...CALLBACKS }),
}

/**
 * Trains a predictor and saves it as a run; iterate over the events to run it, abort to stop within a step with a valid checkpoint.
 *
 * Errors: BAD_OPTION, RUN_EXISTS, RUN_LOCKED, those of the data, GATE_FAILED when its audit fails, OUT_OF_MEMORY, NO_DISK, DIVERGED (the last good checkpoint is kept).
 */
export const train = eventDoor('train', ARGS, async function* <
  A extends Architecture = never,
>(options: TrainOptions | OwnTrainOptions<A>, control: TrainControl = {}): AsyncGenerator<TrainEvent, void, void> {
  const { signal, watch, ...callbacks } = control
  for await (const event of run(options, signal, callbacks, watchedPort(watch))) yield { version: 1, ...event }
})

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

interface Running {
  readonly model: Architecture
  readonly given: Readonly<Record<string, unknown>>
  /** Plan of a new run; undefined for a resumed one. */
  readonly fresh: Plan | undefined
  readonly resume: boolean
  readonly folder: string
  readonly overwrite: boolean
  readonly group: Group | undefined
  readonly signal: AbortSignal
  readonly own: AbortController
  readonly callbacks: Callbacks
  readonly watch: Watch | undefined
}

async function* run(
  { model: named, processes, rankTimeout, ...given }: TrainOptions | OwnTrainOptions,
  outer: AbortSignal | undefined,
  callbacks: Callbacks,
  port: number | undefined,
): AsyncGenerator<Told> {
  const own = new AbortController()
  const signal = outer === undefined ? own.signal : AbortSignal.any([outer, own.signal])
  const model = await givenArchitecture(named, given)
  const { asked } = ask(model, { ...given, processes, rankTimeout })
  const folder = runFolder(asked.name ?? model.folder, asked.out)
  const resume = asked.resume || (isRestart() && (await isRun(folder)))
  const fresh = resume ? undefined : plan(model, given)
  if (fresh?.train.data !== undefined) locateBase(fresh.train.data) // before libtorch loads, so that a wrong file name fails at once
  const ranked = placeOf('train', asked)
  const isOurs = architectures.some((ours) => ours === model)
  if (ranked && fresh) requireShareable(fresh.train)
  if (ranked && fresh) requireNoTests(fresh)
  if (ranked && processes !== undefined && !isOurs)
    throw badOption('train', 'processes', 'no value with an architecture of your own, which a launcher can start,', processes)
  const watch = port === undefined || (ranked && ranked.rank > 0) ? undefined : await openWatch(port)
  const overwrite = asked.overwrite && !resume
  const start = async function* () {
    const group =
      ranked && (await openGroup(ranked, { verb: 'train', options: { model: model.name, ...given, rankTimeout } }, asked))
    yield* together(group, { model, given, fresh, resume, folder, overwrite, group, signal, own, callbacks, watch })
  }
  yield* watch === undefined ? start() : shownOn(watch, start())
}

/** Runs a training, and ends its group. */
async function* together(group: Group | undefined, o: Running): AsyncGenerator<Told> {
  try {
    yield* runHere(o)
    await group?.finish()
  } catch (error) {
    throw group === undefined ? error : await group.failed(error)
  } finally {
    await group?.close()
  }
}

/** Opens the data of a new run, and makes the batch of its recipe smaller and its inputs simpler where the data are few. */
async function startOf(fresh: Plan): Promise<Start> {
  const data = await prepare(fresh.train, undefined, fresh.fitsBatch)
  const few = fresh.fitsScale && data.split.train.length < FEWEST_WHITENED
  const model = few ? { ...fresh.model, inputScale: 'sqrt_dim' } : fresh.model
  return { plan: { ...fresh, model, train: { ...fresh.train, batchVectors: data.batchVectors } }, data }
}

async function* runHere(o: Running): AsyncGenerator<Told> {
  const { model, given, fresh, resume, folder, overwrite, group } = o
  const claim = () => claimRun('train', folder, { resume, overwrite })
  const store = group === undefined ? await claim() : await claimTogether(group, claim, { folder, resume })
  let data: Prepared | undefined
  let session: Session | undefined
  try {
    if (fresh !== undefined && group === undefined) resolveDevice(fresh.train.device) // before the data is read, which can take minutes
    const initial = fresh && (await openInitial(fresh))
    const started = fresh ? await startOf(fresh) : await goOn(model, given, store.current()!)
    data = started.data
    if (group) requireShareable(started.plan.train)
    const opened = await openTraining(started, { store, initial, group })
    session = opened.session
    if (!group?.follows) yield* opening(opened, store, started, o)
    for (const test of testsOf(started.plan)) {
      const { audit }: Session = session
      const plan: Plan = yield* test(session, o.signal)
      closeSession(session)
      session = undefined // until the next model is open
      session = (await openTraining({ plan, data }, { store, initial, group })).session
      session.audit = audit
    }
    yield* group?.follows ? following(session, store, o) : told(session, store, started, o)
  } finally {
    if (session !== undefined) closeSession(session)
    data?.dispose()
    await store.close()
  }
}

/** What the first or only process tells before any step. */
async function* opening(
  opened: Opened,
  store: Store,
  { plan, from }: Start,
  { signal, watch, resume }: Running,
): AsyncGenerator<Told> {
  if (from !== undefined) await watch?.training.recall(keptLines(store.folder, from), from.progress)
  yield* firstEvents(opened, store, resume)
  if (from === undefined) opened.session.audit = yield* auditData(opened.session.data, plan.train.force, signal)
}

/** The training as its first or only process tells it. */
async function* told(session: Session, store: Store, { plan: { train }, from }: Start, o: Running): AsyncGenerator<Told> {
  const { signal, own, callbacks, group } = o
  if (group !== undefined) await begin(group, session)
  if (train.precision === 'bf16' && session.device === 'cpu') {
    const slow = await slowPrecision()
    if (slow !== undefined) yield { type: 'warning', code: 'SLOW_PRECISION', message: slow }
  }
  const logs = await openLogs(store.folder, train.log, {
    from: from && session,
    name: basename(store.folder),
    settings: () => settingsOf(session),
  })
  const events = trainEpochs(session, store, o.model.name, { signal, own: own.signal })
  yield* followed(events, session, { callbacks, logs, run: store.folder, signal, stop: () => own.abort() })
}

/** The training of a rank that follows rank 0: it tells only its result. */
async function* following(session: Session, store: Store, { model, group, signal, own }: Running): AsyncGenerator<Told> {
  await begin(group!, session)
  for await (const event of trainEpochs(session, store, model.name, { signal, own: own.signal }))
    if (event.type === 'result') yield event
}
