import { claimRun } from '../checkpoint/claim.js'
import { runFolder } from '../checkpoint/run-folder.js'
import type { RunManifest } from '../checkpoint/run-manifest.js'
import { locateBase } from '../data/locate.js'
import { requireWindows } from '../data/windows.js'
import { abortSignal, eventDoor, only, optional, withFields, word } from '../door.js'
import { native } from '../native.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { useMultiplier } from '../torch/multiplier.js'
import { auditData } from './audit-first.js'
import { type Ended, ended, epochs } from './epochs.js'
import { estimate, requireRoom } from './estimate.js'
import { openInitial } from './initial.js'
import { slowPrecision } from './precision.js'
import { type Prepared, prepare } from './prepare.js'
import { ask, plan } from './recipe.js'
import { goOn, type Start } from './resume.js'
import { closeSession, openSession, type Session } from './session.js'
import type { Told, TrainEvent } from './train-events.js'

/** Options of a training: the model, the data, and any field of `trainFields` and of the model. */
export interface TrainOptions {
  readonly model: string
  readonly data?: string
  readonly name?: string
  readonly seed?: number
  readonly [option: string]: string | number | boolean | undefined
}

function startEvent(
  folder: string,
  { plan: { architecture, train }, data, parameters, device, threads, progress: { plan = [] } }: Session,
  { memory_bytes, disk_bytes }: { memory_bytes: number; disk_bytes: number },
  isResumed: boolean,
): Told {
  const { base, windows } = data.train
  const { mode, leaky, train: ids, val, test } = data.split
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
    split: { mode, leaky },
    estimate: { memory_bytes, disk_bytes },
    ...(plan.length > 1 && { extended: plan.slice(1) }),
  }
}

type Control = { signal?: AbortSignal }
const ARGS = { options: withFields({ model: word }), control: only({ signal: optional(abortSignal) }) }

/** Why a run that is at its end trains nothing, and which option takes it further. */
function nothingToTrain({ plan: { train }, progress: { best, epoch, optimizer_steps } }: Session, why: Ended): string {
  const further = train.schedule === 'warmup-cosine' ? 'with "extend" takes it further' : 'takes it further'
  const reasons = {
    'early-stop': `no epoch after epoch ${best?.epoch} was better; a larger "earlyStop" takes it further`,
    'max-steps': `step ${optimizer_steps} of ${train.maxSteps} is made; a larger "maxSteps" ${further}`,
    done: `epoch ${epoch - 1} of ${train.epochs} is trained; a larger "epochs" ${further}`,
  }
  return `nothing to train: ${reasons[why]}`
}

/**
 * Trains a predictor and keeps it as a run; iterate to let it go on, abort to stop within a step with a valid checkpoint.
 *
 * Errors: BAD_OPTION, RUN_EXISTS, RUN_LOCKED, those of the data, GATE_FAILED when its audit fails, OUT_OF_MEMORY, NO_DISK, DIVERGED (the last good checkpoint is kept).
 */
export const train = eventDoor('train', ARGS, async function* (options: TrainOptions, control: Control = {}): AsyncGenerator<
  TrainEvent,
  void,
  void
> {
  const { signal = new AbortController().signal } = control
  for await (const event of run(options, signal)) yield { version: 1, ...event }
})

async function* run({ model, ...given }: TrainOptions, signal: AbortSignal): AsyncGenerator<Told> {
  const { architecture, asked } = ask(model, given)
  const { resume, overwrite, name, out } = asked
  const fresh = resume ? undefined : plan(model, given)
  if (fresh?.train.data !== undefined) locateBase(fresh.train.data) // before libtorch loads: a wrong name is the commonest mistake
  const folder = runFolder(name ?? architecture.folder, out)
  const store = await claimRun('train', folder, { resume, overwrite })
  let data: Prepared | undefined
  let session: Session | undefined
  try {
    if (fresh !== undefined) resolveDevice(fresh.train.device) // before minutes of reading
    const initial = fresh && (await openInitial(fresh))
    const started: Start = fresh ? { plan: fresh, data: await prepare(fresh.train) } : await goOn(model, given, store.current()!)
    data = started.data
    const { train, model: modelOptions } = started.plan
    const device = resolveDevice(train.device)
    const threads = useThreads(train.threads, { recorded: resume ? folder : undefined })
    const replaced = await useMultiplier(resume ? (store.current()!.manifest as RunManifest).multiplier : undefined)
    const { dim } = data.train.base
    const { node: spec } = architecture.spec({ dim, context: train.context }, modelOptions)
    const needed = estimate(train, spec, { dim, dataBytes: data.bytes })
    const tight = await requireRoom(folder, needed, { device, dataBytes: data.bytes })
    requireWindows(data.split.train.length, train.batchSize, 'training windows')
    session = await openSession(started.plan, data, {
      spec,
      device,
      threads,
      recompute: needed.recompute,
      initial,
      ...(started.from && { from: started.from }),
    })
    yield startEvent(folder, session, needed, resume)
    if (session.initialised !== undefined) yield { type: 'init', ...session.init!, ...session.initialised.placed }
    if (store.rescued !== undefined) yield { type: 'warning', code: 'BAD_CHECKPOINT', message: store.rescued }
    for (const message of [...data.warnings, ...(session.initialised?.warnings ?? [])])
      yield { type: 'warning', code: 'DATA', message }
    if (tight !== undefined) yield { type: 'warning', code: 'MEMORY', message: tight }
    if (replaced !== undefined) yield { type: 'warning', code: 'KERNEL', message: replaced }
    const end = resume ? ended(session) : undefined
    if (end !== undefined) yield { type: 'warning', code: 'NOTHING_TO_TRAIN', message: nothingToTrain(session, end) }
    if (fresh !== undefined) session.audit = yield* auditData(data, train.force, signal)
    if (train.precision === 'bf16' && device === 'cpu') {
      const slow = await slowPrecision()
      if (slow !== undefined) yield { type: 'warning', code: 'SLOW_PRECISION', message: slow }
    }
    const stop = () => native.trainerStop(session!.trainer)
    signal.addEventListener('abort', stop)
    try {
      const stopped = yield* epochs(session, store, signal)
      for (const { base } of new Set([data.train, data.val])) {
        if (base.mapped || !(await base.changed?.())) continue
        const message = `${base.path} was changed after it was read: the run was trained on what it held before, of SHA-256 ${base.hash}`
        yield { type: 'warning', code: 'DATA_CHANGED', message }
      }
      const best = session.progress.best
      yield {
        type: 'result',
        run: folder,
        model,
        stopped,
        best_epoch: best?.epoch ?? null,
        val_loss: best?.val_loss ?? null,
        val_cosine: best?.val_cosine ?? null,
        seconds: session.progress.seconds,
      }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  } finally {
    if (session !== undefined) closeSession(session)
    data?.dispose()
    await store.close()
  }
}
