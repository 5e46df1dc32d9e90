import { join } from 'node:path'
import { claimRun } from '../checkpoint/claim.js'
import { readHistory } from '../checkpoint/documents.js'
import { runFolder } from '../checkpoint/folder.js'
import { type History, type Progress, type RunFacts, type RunManifest, SPLIT } from '../checkpoint/run.js'
import type { Store } from '../checkpoint/store.js'
import { locateBase } from '../data/locate.js'
import { requireWindows } from '../data/windows.js'
import { abortSignal, eventDoor, only, optional, withFields, word } from '../door.js'
import { badOption, LvmError, shown } from '../errors.js'
import { native } from '../native.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { useMultiplier } from '../torch/multiplier.js'
import { auditData } from './audit.js'
import { epochs } from './epochs.js'
import { estimate, requireRoom } from './estimate.js'
import type { Told, TrainEvent } from './events.js'
import { openInitial } from './initial.js'
import { slowPrecision } from './precision.js'
import { type Prepared, prepare } from './prepare.js'
import { ask, type Plan, plan, resumed } from './recipe.js'
import { closeSession, openSession, type Session } from './session.js'

/** Options of a training: the model, the data, and any field of `trainFields` and of the model. */
export interface TrainOptions {
  readonly model: string
  readonly data?: string
  readonly name?: string
  readonly seed?: number
  readonly [option: string]: string | number | boolean | undefined
}

interface Start {
  readonly plan: Plan
  readonly data: Prepared
  readonly from?: { path: string; progress: Progress; history: History['history'] } & Pick<RunFacts, 'init' | 'audit'>
}

/** Reads where a run stands, and the settings and data that it goes on with. Errors: BAD_OPTION, BAD_CHECKPOINT, those of the data. */
async function goOn(model: string, given: Record<string, unknown>, store: Store): Promise<Start> {
  const { path, manifest: facts } = store.current()!
  const manifest = facts as RunManifest
  if (manifest.model !== model)
    throw badOption('train', 'model', `${shown(manifest.model)}, as the run was started,`, model, 'start another run with --name')
  const { progress } = manifest
  if (progress === null || manifest.data === null)
    throw new LvmError('BAD_OPTION', 'train: expected a run that was trained here but it was imported, and cannot be resumed')
  const going = resumed(model, given, manifest.options)
  const begun = progress.step > 0 ? progress.epoch : progress.epoch - 1
  if (going.train.epochs < begun)
    throw badOption('train', 'epochs', `at least ${begun}, as many as were begun,`, going.train.epochs)
  const data = await prepare(going.train, {
    split: join(path, SPLIT),
    hash: manifest.data.hash,
    valHash: manifest.data.val?.hash ?? null,
  })
  const { history } = await readHistory(path)
  return { plan: going, data, from: { path, progress, history, init: manifest.init ?? null, audit: manifest.audit ?? null } }
}

function startEvent(
  folder: string,
  { plan: { architecture, train }, data, parameters, device, threads }: Session,
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
  }
}

type Control = { signal?: AbortSignal }
const ARGS = { options: withFields({ model: word }), control: only({ signal: optional(abortSignal) }) }

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
    const started: Start = fresh ? { plan: fresh, data: await prepare(fresh.train) } : await goOn(model, given, store)
    data = started.data
    const { train, model: modelOptions } = started.plan
    const device = resolveDevice(train.device)
    const threads = useThreads(train.threads)
    const replaced = await useMultiplier(resume ? (store.current()!.manifest as RunManifest).multiplier : undefined)
    const { dim, rows, mapped } = data.train.base
    const { node: spec } = architecture.spec({ dim, context: train.context }, modelOptions)
    const needed = estimate(train, spec, { dim, dataBytes: mapped ? 0 : rows * dim * 4 })
    await requireRoom(folder, needed, device)
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
    if (replaced !== undefined) yield { type: 'warning', code: 'KERNEL', message: replaced }
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
