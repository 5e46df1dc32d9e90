import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { linkOrCopy } from '../checkpoint/generation.js'
import { goldenRows } from '../checkpoint/golden.js'
import { jsonHash } from '../checkpoint/hash.js'
import { BEST, CONFIG, FINAL, HISTORY, type History, type RunFacts, type RunManifest, SPLIT } from '../checkpoint/run.js'
import type { Store } from '../checkpoint/store.js'
import { checkpointValue } from '../checkpoint/weights.js'
import { splitText } from '../data/split-file.js'
import { packageVersion } from '../libtorch/paths.js'
import { native } from '../native.js'
import { configOf, paramGroup } from './config.js'
import type { Session } from './session.js'

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

/** Relative below the folder that is worked in, so that a project can move; absolute elsewhere, so that the run can. */
function nearby(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') || isAbsolute(near) ? resolve(path) : near
}

async function factsOf(session: Session, best: boolean, before: RunManifest | undefined): Promise<RunFacts> {
  const { plan, data, spec, model, progress, history } = session
  const { architecture, train } = plan
  const { base } = data.train
  const apart = data.val !== data.train
  const golden = await goldenRows(model, {
    context: train.context,
    dim: base.dim,
    device: session.device,
    dtype: session.dtype,
    names: best ? ['final_model', 'best_model'] : ['final_model'],
    kept: before?.golden,
  })
  const each = session.dtype === 'bfloat16' ? 2 : 4
  const bytes = native
    .modelState(model)
    .reduce((sum, { tensor }) => sum + each * native.tensorShape(tensor).reduce((a, b) => a * b, 1), 0)
  return {
    model: architecture.name,
    folder: architecture.folder,
    spec,
    spec_hash: jsonHash(spec),
    dim: base.dim,
    context: train.context,
    output: spec.params.output as 'raw' | 'unit',
    parameters: session.parameters,
    weights_bytes: bytes,
    options: { train: { ...train, device: session.device, threads: session.threads }, model: { ...plan.model } },
    data: {
      path: nearby(base.path),
      hash: base.hash,
      space: base.space ?? null,
      kind: base.kind,
      rows: base.rows,
      normalized: base.normalized,
      val: apart ? { path: nearby(data.val.base.path), hash: data.val.base.hash } : null,
    },
    split: {
      mode: data.split.mode,
      leaky: data.split.leaky,
      seed: data.split.seed,
      train: data.split.train.length,
      val: data.split.val.length,
      test: data.split.test?.length ?? 0,
    },
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
    train_seconds: history.length === 0 ? null : progress.seconds,
  }
}

/** Saves where a training stands; call it while the model holds the weights that are judged. Errors: NO_DISK. */
export async function saveSession(session: Session, store: Store, best: boolean): Promise<number> {
  const { plan, data, model, trainer, progress, history } = session
  const before = store.current()?.manifest as RunManifest | undefined
  const { options } = plan.architecture.spec({ dim: data.train.base.dim, context: plan.train.context }, plan.model)
  const config = configOf(plan, options, {
    dim: data.train.base.dim,
    parameters: session.parameters,
    device: session.device,
    threads: session.threads,
  })
  const last = history.at(-1)
  const value = () =>
    checkpointValue(model, trainer, {
      epoch: last?.epoch ?? 0,
      val_loss: last?.val_loss ?? 0,
      val_cosine: last?.val_cosine ?? 0,
      args: config,
      group: paramGroup(plan, progress.schedule.lr),
    })
  const document: History = {
    version: 1,
    model: plan.architecture.name,
    parameters: session.parameters,
    history,
    best_epoch: progress.best?.epoch ?? null,
  }
  const pt = async (path: string) => {
    await native.savePt(path, value())
  }
  const { val } = data
  const saved = await store.save({
    files: {
      [FINAL]: pt,
      ...(best && { [BEST]: (path: string) => linkOrCopy(join(dirname(path), FINAL), path) }),
      [HISTORY]: json(document),
      [CONFIG]: json(config),
      ...(!session.saved && {
        [SPLIT]: splitText(data.split, data.train, val === data.train ? undefined : val),
      }),
    },
    keep: [...(session.saved ? [SPLIT] : []), ...(!best && progress.best !== null ? [BEST] : [])],
    manifest: { ...(await factsOf(session, best, progress.best === null ? undefined : before)) },
  })
  session.saved = true
  return saved.generation
}
