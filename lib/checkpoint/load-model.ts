import { parse } from 'node:path'
import { findArchitecture } from '../architectures/index.js'
import { asyncDoor, only, optional, threadCount, word, yesOrNo } from '../door.js'
import { LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import { type NativeModel, native } from '../native.js'
import { countParameters } from '../spec/count.js'
import { resolveDevice, useThreads } from '../torch/device.js'
import { useMultiplier } from '../torch/multiplier.js'
import { processSettings, useSettings } from '../torch/process-settings.js'
import { warnRuledOut } from '../torch/ruled-out.js'
import { checkGolden } from './golden.js'
import { Model } from './model.js'
import { openModel } from './open-model.js'
import { findRun, isPlainFolder, runName } from './run-folder.js'
import { type RunManifest, weightsDtype, weightsFile } from './run-manifest.js'
import { verifyRun } from './run-store.js'

export interface LoadOptions {
  /** cpu, cuda[:n], mps or auto. */
  readonly device?: string
  /** Those the run was trained with unless given; of this model only. */
  readonly threads?: number
  /** Folder of runs, for a RUN that is a name. */
  readonly root?: string
  /** Of a quantised run: multiply with its dequantised numbers, as other programs do, instead of with the quickest kernels. */
  readonly exact?: boolean
}

/** That the spec in a manifest is the one it was hashed as, and what its own architecture describes today. Errors: BAD_CHECKPOINT, FOREIGN_FORWARD. */
function checkSpec(run: string, { model, spec, spec_hash, dim, context, options, parameters }: RunManifest): void {
  if (jsonHash(spec) !== spec_hash)
    throw new LvmError('BAD_CHECKPOINT', `${run}: expected a spec with hash ${spec_hash} but its hash is ${jsonHash(spec)}`)
  const { node } = findArchitecture(model).spec({ dim, context }, options.model)
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

/** A manifest can be whole and yet not describe a model: its errors are those of the checkpoint, not of whoever loads it. */
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

/** Loads that may be begun anew while a writer removes the saves that they read. */
const ATTEMPTS = 20

async function open(run: string, options: LoadOptions = {}, alone = false, attempts = ATTEMPTS): Promise<Model> {
  const start = performance.now()
  const { threads } = options
  const folder = await findRun(run, options.root)
  const { path, manifest: facts } = await verifyRun(folder)
  const manifest = facts as RunManifest
  const name = runName(folder, options.root)
  const device = resolveDevice(options.device ?? 'auto')
  const file = weightsFile(manifest)
  const before = processSettings()
  let model: NativeModel | undefined
  try {
    checkSpec(name, manifest)
    useThreads(threads ?? manifest.threads, { recorded: threads === undefined ? name : undefined })
    const replaced = await useMultiplier(manifest.multiplier)
    if (replaced !== undefined) warnRuledOut(replaced)
    const check = { run: name, name: parse(file).name, dim: manifest.dim, device, dtype: weightsDtype(manifest) }
    const opened = await openModel(name, folder, path, manifest, { device, exact: options.exact === true })
    model = opened.model
    const { approximate } = opened
    const close = checkGolden(model, manifest.golden, { ...check, approximate })
    if (!approximate) await close
    else if (
      await close.then(
        () => false,
        () => true,
      )
    ) {
      native.dispose(model)
      warnRuledOut(`${name}: its kernels for few bits are too coarse on this machine: the weights were dequantised instead`)
      model = (await openModel(name, folder, path, manifest, { device, exact: true })).model
      await checkGolden(model, manifest.golden, check)
    }
  } catch (error) {
    if (model !== undefined) native.dispose(model)
    if (alone) useSettings(before)
    const removed = path !== folder && !(await isPlainFolder(path)) // a writer has saved twice since
    if (removed && attempts > 1) return open(run, options, alone, attempts - 1)
    throw asCheckpointError(name, error)
  }
  const own = processSettings()
  if (alone) useSettings(before)
  const bytes = manifest.files[file]!.bytes
  return new Model(model, folder, name, manifest, device, bytes, performance.now() - start, own)
}

/**
 * Loads the best weights of a run, after every hash and the golden rows were checked, and has this process compute with its threads and
 * its multiplier from now on: for verbs.
 *
 * Errors: RUN_MISSING, BAD_CHECKPOINT, FOREIGN_FORWARD, DEVICE_UNAVAILABLE, BAD_OPTION.
 */
export const load = asyncDoor('load', LOAD, (run: string, options?: LoadOptions) => open(run, options))

let turn: Promise<unknown> = Promise.resolve()
/**
 * Loads the best weights of a run, after every hash and the golden rows were checked.
 *
 * The model keeps its threads and its multiplier to itself: other models and operators of this process compute with their own.
 *
 * Errors: RUN_MISSING, BAD_CHECKPOINT, FOREIGN_FORWARD, DEVICE_UNAVAILABLE, BAD_OPTION.
 */
export const loadAlone = asyncDoor('load', LOAD, (run: string, options?: LoadOptions) => {
  const loaded = turn.then(() => open(run, options, true)) // one after the other, so that each finds the settings of the process
  turn = loaded.catch(() => {})
  return loaded
})
