import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRun, runFolder } from '../checkpoint/folder.js'
import { HISTORY, type History, type Progress, type RunManifest, SPLIT } from '../checkpoint/run.js'
import { removeRun } from '../checkpoint/runs.js'
import { openStore, type Store } from '../checkpoint/store.js'
import { asLvmError, LvmError } from '../errors.js'
import { native } from '../native.js'
import { countParameters } from '../spec/count.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { epochs } from './epochs.js'
import { estimate, requireRoom } from './estimate.js'
import type { Told, TrainEvent } from './events.js'
import { slowPrecision } from './precision.js'
import { type Prepared, prepare } from './prepare.js'
import { type Plan, plan, resumed } from './recipe.js'
import { closeSession, openSession, type Session } from './session.js'

/** Options of a training: the model, the data, and any field of `trainFields` and of the model. */
export interface TrainOptions {
  readonly model: string
  readonly data?: string
  readonly name?: string
  readonly seed?: number
  readonly [option: string]: string | number | boolean | undefined
}

/** Opens the store of a run, fresh or to go on. Errors: RUN_EXISTS, RUN_MISSING, RUN_LOCKED, BAD_CHECKPOINT. */
async function claim(folder: string, o: { resume: boolean; overwrite: boolean }): Promise<Store> {
  const exists = await isRun(folder)
  if (exists && !o.resume && !o.overwrite)
    throw new LvmError('RUN_EXISTS', `train: expected a new run but ${folder} already holds one`)
  if (o.resume && !exists) throw new LvmError('RUN_MISSING', `train: expected a run to resume in ${folder} but there is none`)
  await mkdir(folder, { recursive: true })
  try {
    return await openStore(folder)
  } catch (error) {
    if (!o.overwrite || asLvmError(error).code !== 'BAD_CHECKPOINT') throw error
    await removeRun(folder) // a damaged run has nothing to keep until the new one is there
    return openStore(folder)
  }
}

interface Start {
  readonly plan: Plan
  readonly data: Prepared
  readonly from?: { path: string; progress: Progress; history: History['history'] }
}

async function start(options: TrainOptions, given: Record<string, unknown>, store: Store, resume: boolean): Promise<Start> {
  if (!resume) {
    const fresh = plan(options.model, given)
    return { plan: fresh, data: await prepare(fresh.train) }
  }
  const { path, manifest: facts } = store.current()!
  const manifest = facts as RunManifest
  if (manifest.model !== options.model)
    throw new LvmError(
      'BAD_OPTION',
      `train: expected the model ${manifest.model}, as the run was started, but received ${options.model}`,
    )
  if (manifest.progress === null || manifest.data === null)
    throw new LvmError('BAD_OPTION', 'train: expected a run that was trained here but it was imported, and cannot be resumed')
  const going = resumed(options.model, given, manifest.options)
  const data = await prepare(going.train, {
    split: join(path, SPLIT),
    hash: manifest.data.hash,
    valHash: manifest.data.val?.hash ?? null,
  })
  const { history } = JSON.parse(await readFile(join(path, HISTORY), 'utf8')) as History
  return { plan: going, data, from: { path, progress: manifest.progress, history } }
}

function startEvent(
  folder: string,
  { plan: { architecture, train }, data, parameters, device, threads }: Session,
  needed: { memory_bytes: number; disk_bytes: number },
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
    precision: train.precision,
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
    estimate: needed,
  }
}

/**
 * Trains a predictor and keeps it as a run; iterate to let it go on, abort to stop within a step with a valid checkpoint.
 *
 * Errors: BAD_OPTION, RUN_EXISTS, RUN_LOCKED, those of the data, OUT_OF_MEMORY, NO_DISK, DIVERGED (the last good checkpoint is kept).
 */
export async function* train(
  options: TrainOptions,
  { signal = new AbortController().signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<TrainEvent, void, void> {
  for await (const event of run(options, signal)) yield { version: 1, ...event }
}

async function* run({ model, ...given }: TrainOptions, signal: AbortSignal): AsyncGenerator<Told> {
  const first = plan(model, given)
  const { resume, overwrite, name, out } = first.train
  const folder = runFolder(name ?? first.architecture.folder, out)
  const store = await claim(folder, { resume, overwrite })
  let data: Prepared | undefined
  let session: Session | undefined
  try {
    const device = resolveDevice(first.train.device)
    const started = await start({ model, ...given }, given, store, resume)
    data = started.data
    const threads = useThreads(started.plan.train.threads)
    const { dim, rows } = data.train.base
    const { node: spec } = started.plan.architecture.spec({ dim, context: started.plan.train.context }, started.plan.model)
    const needed = estimate(started.plan.train, countParameters(spec), {
      dim,
      dataBytes: data.train.base.mapped ? 0 : rows * dim * 4,
    })
    await requireRoom(folder, needed, device)
    session = await openSession(started.plan, data, { spec, device, threads, ...(started.from && { from: started.from }) })
    yield startEvent(folder, session, needed, resume)
    for (const message of data.warnings) yield { type: 'warning', code: 'DATA', message }
    if (started.plan.train.precision === 'bf16' && device === 'cpu') {
      const slow = await slowPrecision()
      if (slow !== undefined) yield { type: 'warning', code: 'SLOW_PRECISION', message: slow }
    }
    const stop = () => native.trainerStop(session!.trainer)
    signal.addEventListener('abort', stop)
    try {
      const stopped = yield* epochs(session, store, signal)
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
