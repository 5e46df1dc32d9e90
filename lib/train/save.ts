import { basename, isAbsolute, join, relative, resolve } from 'node:path'
import { ownFacts } from '../architectures/recorded.js'
import { goldenRows } from '../checkpoint/golden.js'
import {
  BEST,
  CONFIG,
  EARLIER,
  FINAL,
  type Golden,
  HISTORY,
  type History,
  type RunFacts,
  type RunManifest,
  SPLIT,
  type Weights,
} from '../checkpoint/run-manifest.js'
import type { Store } from '../checkpoint/run-store.js'
import { checkpointValue, storedBytes } from '../checkpoint/run-weights.js'
import type { Split } from '../data/split.js'
import { splitText } from '../data/split-file.js'
import { jsonHash } from '../files/hash.js'
import { copyWhole } from '../files/write.js'
import { packageVersion } from '../libtorch/paths.js'
import { native } from '../native.js'
import { isFromMemory } from '../sources/kept-base.js'
import { contextsOf } from '../spec/contexts.js'
import type { Node } from '../spec/ops.js'
import { configOf, paramGroup } from './config-file.js'
import { dropEpochs, keepEpoch, keptEpochs } from './kept-epochs.js'
import type { Prepared, Side } from './prepare.js'
import { reachOf } from './recipe.js'
import { isSharded, type Session, standing } from './session.js'

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

/** Relative path inside the working folder, so that a project can be moved; absolute path elsewhere, so that the run can be moved. */
function nearby(path: string): string {
  if (isFromMemory(path)) return path
  const near = relative(process.cwd(), path)
  return near.startsWith('..') || isAbsolute(near) ? resolve(path) : near
}

const name = (file: string) => file.replace(/\.pt$/, '')

/** Files of earlier weights that the next save keeps: new name → name in the previous save. */
function carried({ progress, undone }: Session, best: boolean): Record<string, string> {
  if (best) return progress.cut?.best ? { [EARLIER]: BEST } : {}
  if (progress.best === null) return {}
  return { [BEST]: undone ? EARLIER : BEST }
}

/** Golden outputs of the kept weights, under their new names. */
function goldenOf({ outputs, engines, ...golden }: Golden, files: Record<string, string>): Golden {
  const renamed = <T>(of: Record<string, T>) =>
    Object.fromEntries(Object.entries(files).map(([to, from]) => [name(to), of[name(from)]!]))
  return { ...golden, outputs: renamed(outputs), engines: renamed(engines) }
}

/** What a manifest says about the data of a run. */
export async function dataFacts(
  { train, train: { base }, val }: { train: Pick<Side, 'base'>; val: Pick<Side, 'base'> },
  before?: RunFacts['data'],
): Promise<RunFacts['data']> {
  return {
    path: nearby(base.path),
    hash: base.hash,
    content_hash: await base.contentHash(),
    space: base.space ?? before?.space ?? null,
    encoder: base.encoder ?? before?.encoder ?? null,
    kind: base.kind,
    rows: base.rows,
    normalized: base.normalized,
    val: val === train ? null : { path: nearby(val.base.path), hash: val.base.hash },
  }
}

/** What a manifest says about the split of a run. */
export const splitFacts = ({ mode, leaky, seed, fold, train, val, test }: Split): RunFacts['split'] => ({
  mode,
  leaky,
  seed,
  ...(fold && { fold }),
  train: train.length,
  val: val.length,
  test: test?.length ?? 0,
})

/** Most vectors of a golden context, where a run reads contexts of unequal length. */
const GOLDEN = 16

const goldenContext = ({ context, train }: Prepared, spec: Node) =>
  train.windows.length === undefined ? context : Math.max(contextsOf(spec).shortest, Math.min(GOLDEN, context))

async function factsOf(session: Session, best: boolean, before: RunManifest | undefined): Promise<RunFacts> {
  const { plan, data, spec, model, progress, history } = session
  const { architecture, train } = plan
  const { base } = data.train
  const own = ownFacts(architecture)
  const golden = await goldenRows(model, {
    context: goldenContext(data, spec),
    dim: base.dim,
    device: session.device,
    dtype: session.dtype,
    names: (best ? [FINAL, BEST] : [FINAL]).map(name),
    kept: before && goldenOf(before.golden, carried(session, best)),
  })
  const bytes = storedBytes(model, session.dtype === 'bfloat16' ? 2 : 4)
  return {
    model: architecture.name,
    folder: architecture.folder,
    ...(own && { architecture: own }),
    spec,
    spec_hash: jsonHash(spec),
    dim: base.dim,
    context: data.context,
    ...(train.history !== undefined && { history: reachOf(train).history!, min_history: train.minHistory }),
    output: spec.params.output as 'raw' | 'unit',
    parameters: session.parameters,
    weights_bytes: bytes,
    options: {
      train: { ...train, shardOptimizer: undefined, device: session.device, threads: session.threads },
      model: own ? { ...architecture.spec({ dim: base.dim, context: data.context }, plan.model).options } : { ...plan.model },
    },
    data: await dataFacts(data, before?.data),
    split: splitFacts(data.split),
    audit: session.audit,
    init: session.init,
    seed: train.seed,
    threads: session.threads,
    multiplier: native.multiplier(),
    device: session.device,
    precision: train.precision,
    versions: { lvm_torch: packageVersion(), libtorch: native.libtorchVersion(), node: process.versions.node },
    command_line: [basename(process.argv[1] ?? 'node'), ...process.argv.slice(2)],
    golden,
    progress,
    weights_kept: keptWeights(session),
    ema_rule: session.emaRule,
    train_seconds: history.length === 0 ? null : progress.seconds,
  }
}

/** Weights that evaluation and serving use: those of the best epoch, or the last ones before the first epoch. */
function keptWeights(session: Session): Weights {
  const { progress, history, emaRule } = session
  if (progress.best === null) return standing(session)
  return history.find(({ epoch }) => epoch === progress.best!.epoch)?.weights ?? (emaRule === null ? 'raw' : 'average')
}

/** Content of config.json. */
export function settingsOf({ plan, data, parameters, chosen, device, threads, emaRule }: Session) {
  const { context } = data
  const { dim } = data.train.base
  const { options } = plan.architecture.spec({ dim, context }, plan.model)
  return configOf(plan, options, { dim, context, parameters, trainable: chosen.trainable, device, threads, emaRule })
}

/**
 * Saves the state of a training; the model must hold the evaluated weights. `ended` after the evaluation of an epoch, `best` if it is the
 * best one so far.
 *
 * Errors: NO_DISK.
 */
export async function saveSession(
  session: Session,
  store: Store,
  { best, ended }: { best: boolean; ended: boolean },
): Promise<number> {
  const { plan, data, model, trainer, progress, history } = session
  const before = store.current()?.manifest as RunManifest | undefined
  const config = settingsOf(session)
  const last = history.at(-1)
  const sharded = isSharded(session)
  const value = (alone: boolean) =>
    checkpointValue(model, sharded && !alone ? native.trainerWhole(trainer) : native.trainerState(trainer), {
      epoch: last?.epoch ?? 0,
      val_loss: last?.val_loss ?? 0,
      val_cosine: last?.val_cosine ?? 0,
      args: config,
      group: paramGroup(plan, progress.schedule.lr),
      lrScales: session.chosen.lrScales,
      weights: standing(session),
      alone,
    })
  const document: History = {
    version: 1,
    model: plan.architecture.name,
    parameters: session.parameters,
    history,
    best_epoch: progress.best?.epoch ?? null,
    ...(progress.plan && progress.plan.length > 1 && { extended: progress.plan.slice(1) }),
  }
  const pt = (alone: boolean) => async (path: string) => {
    const together = sharded && !alone
    if (together) await session.group!.ask('state')
    await native.savePt(path, value(alone), together ? trainer : undefined)
  }
  const kept = ended ? keptEpochs(plan.train, history) : undefined
  if (kept?.has(last!.epoch)) await keepEpoch(store.folder, last!.epoch, pt(true))
  const { val } = data
  const earlier = store.current()?.path
  const others = Object.entries(carried(session, best))
  const moved = others.filter(([to, from]) => to !== from)
  const saved = await store.save({
    files: {
      [FINAL]: pt(false),
      ...(best && { [BEST]: pt(true) }),
      ...Object.fromEntries(moved.map(([to, from]) => [to, (path: string) => copyWhole(join(earlier!, from), path)])),
      [HISTORY]: json(document),
      [CONFIG]: json(config),
      ...(!session.saved && {
        [SPLIT]: splitText(data.split, data.train, val === data.train ? undefined : val),
      }),
    },
    keep: [...(session.saved ? [SPLIT] : []), ...others.filter(([to, from]) => to === from).map(([to]) => to)],
    manifest: { ...(await factsOf(session, best, before)) },
  })
  if (kept !== undefined) await dropEpochs(store.folder, kept)
  session.saved = true
  session.undone = false
  return saved.generation
}
