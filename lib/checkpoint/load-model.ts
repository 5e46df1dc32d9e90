import { parse } from 'node:path'
import { architectureOf } from '../architectures/recorded.js'
import { longDoor } from '../control.js'
import { asyncDoor, only, optional, threadCount, word, yesOrNo } from '../door.js'
import { LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import { type NativeModel, native } from '../native.js'
import { countParameters } from '../spec/count.js'
import { stage } from '../stages.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { useMultiplier } from '../torch/multiplier.js'
import { processSettings, useSettings } from '../torch/process-settings.js'
import { warnRuledOut } from '../torch/ruled-out.js'
import { freeze } from './freeze-model.js'
import { checkGolden } from './golden.js'
import { Model } from './model.js'
import { openModel } from './open-model.js'
import { findRun, isPlainFolder, runName } from './run-folder.js'
import { type RunManifest, weightsDtype, weightsFile } from './run-manifest.js'
import { verifyRun } from './run-store.js'

export interface LoadOptions {
  /** cpu, cuda[:n], mps or auto. */
  readonly device?: string
  /** Threads of this model only; default: as in the training. */
  readonly threads?: number
  /** Folder of runs, when the run is given by name. */
  readonly root?: string
  /** For a quantised run: multiply dequantised weights in float32, as other programs do, instead of using the fastest kernels. */
  readonly exact?: boolean
}

/** Checks the spec in a manifest against its hash and against the architecture of today. Errors: BAD_CHECKPOINT, FOREIGN_FORWARD. */
function checkSpec(run: string, manifest: RunManifest): void {
  const { model, spec, spec_hash, dim, context, options, parameters } = manifest
  if (jsonHash(spec) !== spec_hash)
    throw new LvmError('BAD_CHECKPOINT', `${run}: expected a spec with hash ${spec_hash} but its hash is ${jsonHash(spec)}`)
  const { node } = architectureOf(manifest).spec({ dim, context }, options.model)
  if (jsonHash(node) !== spec_hash) {
    throw new LvmError(
      'FOREIGN_FORWARD',
      `${run}: expected the spec of ${model} with hash ${jsonHash(node)} but the run has ${spec_hash}`,
    )
  }
  if (countParameters(spec) !== parameters) {
    throw new LvmError(
      'BAD_CHECKPOINT',
      `${run}: expected ${countParameters(spec)} parameters but the manifest says ${parameters}`,
    )
  }
}

/** Turns option errors from a manifest into BAD_CHECKPOINT, because the caller did not cause them. */
function asCheckpointError(run: string, error: unknown): LvmError {
  if (error instanceof LvmError && !['BAD_OPTION', 'BAD_SPEC', 'BAD_ARGUMENT'].includes(error.code)) return error
  return new LvmError('BAD_CHECKPOINT', `${run}: expected a manifest that describes a model (${(error as Error).message})`, {
    cause: error,
  })
}

const LOAD = {
  run: word,
  options: only({ device: optional(word), threads: optional(threadCount), root: optional(word), exact: optional(yesOrNo) }),
}

/** Attempts to load while a writer removes the save being read. */
const ATTEMPTS = 20

/** Packs the matrices for predictions; a model that then gives other outputs than the saved ones is unpacked again, with a warning. */
async function freezeChecked(
  model: NativeModel,
  { golden, context }: RunManifest,
  check: Parameters<typeof checkGolden>[2],
): Promise<void> {
  if (!(await freeze(model, context))) return
  try {
    await checkGolden(model, golden, { ...check, frozen: true })
  } catch (error) {
    if (!(error instanceof LvmError && error.code === 'FOREIGN_FORWARD')) throw error
    native.modelState(model)
    warnRuledOut(`${check.run}: packed float32 weights give other outputs on this machine: they are used as they are instead`)
  }
}

async function open(run: string, options: LoadOptions = {}, alone = false, attempts = ATTEMPTS): Promise<Model> {
  const start = performance.now()
  const { threads } = options
  const folder = await findRun(run, options.root)
  const { path, manifest: facts } = await stage('verify', () => verifyRun(folder))
  const manifest = facts as RunManifest
  const name = runName(folder, options.root)
  const device = resolveDevice(options.device ?? 'auto')
  const file = weightsFile(manifest)
  const before = processSettings()
  let model: NativeModel | undefined
  try {
    checkSpec(name, manifest)
    useThreads(threads ?? manifest.threads, { recorded: threads === undefined ? name : undefined })
    const replaced = await stage('check the multiplier', () => useMultiplier(manifest.multiplier))
    if (replaced !== undefined) warnRuledOut(replaced)
    const check = { run: name, name: parse(file).name, dim: manifest.dim, device, dtype: weightsDtype(manifest) }
    const opened = await stage('weights', () =>
      openModel(name, folder, path, manifest, { device, exact: options.exact === true }),
    )
    model = opened.model
    const { approximate } = opened
    const checked = stage('golden rows', () => checkGolden(opened.model, manifest.golden, { ...check, approximate }))
    if (!approximate) await checked
    else if (
      await checked.then(
        () => false,
        () => true,
      )
    ) {
      native.dispose(model)
      warnRuledOut(`${name}: its low-bit kernels are too inaccurate on this machine: the weights were dequantised instead`)
      model = (await openModel(name, folder, path, manifest, { device, exact: true })).model
      await checkGolden(model, manifest.golden, check)
    }
    if (device === 'cpu' && check.dtype === 'float32') await freezeChecked(model, manifest, { ...check, approximate })
  } catch (error) {
    if (model !== undefined) native.dispose(model)
    if (alone) useSettings(before)
    const removed = path !== folder && !(await isPlainFolder(path)) // a writer has saved twice in the meantime
    if (removed && attempts > 1) return open(run, options, alone, attempts - 1)
    throw asCheckpointError(name, error)
  }
  const own = processSettings()
  if (alone) useSettings(before)
  const bytes = manifest.files[file]!.bytes
  return new Model(model, folder, name, manifest, device, bytes, performance.now() - start, own)
}

/**
 * Loads the best weights of a run after checking every hash and the golden rows, and sets threads and multiplier of the process to those of
 * the run; for verbs.
 *
 * Errors: RUN_MISSING, BAD_CHECKPOINT, FOREIGN_FORWARD, DEVICE_UNAVAILABLE, BAD_OPTION.
 */
export const load = asyncDoor('load', LOAD, (run: string, options?: LoadOptions) =>
  stage('load the run', () => open(run, options)),
)

let turn: Promise<unknown> = Promise.resolve()
/**
 * Loads the best weights of a run after checking every hash and the golden rows.
 *
 * Threads and multiplier of the model do not affect other models and operators of the process.
 *
 * Errors: RUN_MISSING, BAD_CHECKPOINT, FOREIGN_FORWARD, DEVICE_UNAVAILABLE, BAD_OPTION.
 */
export const loadAlone = longDoor('load', LOAD, (run: string, options?: LoadOptions) => {
  const loaded = turn.then(() => stage('load the run', () => open(run, options, true))) // one at a time, because loading changes process settings temporarily
  turn = loaded.catch(() => {})
  return loaded
})
