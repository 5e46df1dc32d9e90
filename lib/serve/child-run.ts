import { basename } from 'node:path'
import { load } from '../checkpoint/load-model.js'
import { readManifest } from '../checkpoint/manifest.js'
import type { Model } from '../checkpoint/model.js'
import { findRun } from '../checkpoint/run-folder.js'
import type { RunManifest } from '../checkpoint/run-manifest.js'
import { worded } from '../hints.js'
import { threadsOfEnvironment, usableThreads } from '../libtorch/machine.js'
import { type NativeJointSteps, native } from '../native.js'
import { warnRuledOut } from '../torch/ruled-out.js'
import { type Bank, openBank } from './child-bank.js'
import type { OpenHeader } from './engine-messages.js'
import type { ServedRun } from './engine-types.js'

/** Vectors that are fed to find out how the states of a model are stored. */
const PROBED = 4

/** Whether a run was trained on vectors of length 1; false if that is unknown. */
function trainedOnUnit({ manifest: { data, audit } }: Model): boolean {
  if (data?.normalized === true) return true
  return data !== null && audit !== null && audit !== undefined && !audit.codes.includes('NORMS')
}

const describe = (model: Model, bank: Bank | undefined, name: string | undefined): ServedRun => ({
  name: name ?? basename(model.name),
  folder: model.folder,
  architecture: model.manifest.model,
  dim: model.dim,
  context: model.context,
  trained: model.trained,
  contexts: model.contexts,
  causal: model.causal,
  unit: trainedOnUnit(model),
  parameters: model.parameters,
  weights: model.weights,
  scheme: model.manifest.quantized?.scheme ?? null,
  space: model.manifest.data?.space ?? model.manifest.space ?? null,
  device: model.device,
  threads: model.settings.threads,
  bank: bank === undefined ? null : { path: bank.path, rows: bank.rows, hash: bank.hash },
})

/** A run in its inference process, with its bank. */
export interface Opened {
  readonly model: Model
  readonly bank: Bank | undefined
  readonly run: ServedRun
  /** Undefined for a model that is not causal or reads very short contexts only. */
  readonly joint: NativeJointSteps | undefined
}

/** Threads of an inference process: those of the training, but one core stays free for requests unless answers must equal those of `predict`. */
function threadsOf({ run, threads, deterministic }: OpenHeader, manifest: RunManifest): number | undefined {
  if (threads !== undefined || deterministic) return threads
  const most = usableThreads() - 1
  const used = Math.max(1, Math.min(manifest.threads, most))
  const asked = threadsOfEnvironment()
  if (asked !== undefined && asked !== used) {
    const why = used < manifest.threads ? ', because one core stays free for requests' : ''
    const count = `${used} of the ${manifest.threads} threads that it was trained with${why}`
    warnRuledOut(`OMP_NUM_THREADS=${asked} is overruled: ${run} is served with ${count}; ${worded('set --threads instead')}`)
    delete process.env.OMP_NUM_THREADS // `load` would say once more that it is overruled
  }
  return used
}

/** Loads a run and its bank. Errors: those of load; those of openBeside for a bank that does not fit. */
export async function openServed(header: OpenHeader): Promise<Opened> {
  const { run, name, bank: path, space, encoder, device } = header
  const manifest = (await readManifest(await findRun(run))).manifest as RunManifest
  const threads = threadsOf(header, manifest)
  const opening = path === undefined ? undefined : openBank(run, manifest, path, { space, encoder })
  opening?.catch(() => {}) // an error of the run comes first
  const model = await load(run, { device, ...(threads !== undefined && { threads }) })
  const bank = await opening
  const steps = model.causal && model.contexts.longest > PROBED
  const joint = steps ? await native.jointSteps(model.native) : undefined
  return { model, bank, run: describe(model, bank, name), joint }
}
