import { dirname, join } from 'node:path'
import { LvmError } from '../errors.js'
import { type DType, type NativeModel, native } from '../native.js'
import type { Node } from '../spec/ops.js'
import { warnRuledOut } from '../torch/ruled-out.js'
import { type Choice, chooseKernels, DEQUANTIZED, type RuledOut, ruledOutSentence, shapeKey } from './kernels.js'
import { readManifest } from './manifest.js'
import { openQuantized, type Quantization, type QuantizedFile } from './quantized.js'
import { isRun } from './run-folder.js'
import { QUANTIZED, type RunManifest, weightsDtype, weightsFile } from './run-manifest.js'
import { fill } from './run-weights.js'
import { openState } from './state-dict.js'
import type { StoredTensors } from './stored-tensors.js'

/** A model with quantised weights, and the kernel of each matrix shape. */
export interface OpenedQuantized extends Choice {
  readonly model: NativeModel
}

/** Packs matrices for their kernels; stops at the first wrong product and returns its kernel and shape. */
async function pack(
  model: NativeModel,
  file: QuantizedFile,
  matrices: readonly (RuledOut & { readonly name: string })[],
): Promise<RuledOut | undefined> {
  for (const { name, kernel, shape } of matrices) {
    const { values, scales } = await file.parts(name)
    try {
      if (!(await native.modelPack(model, name, kernel, values.native, scales?.native ?? null))) return { kernel, shape }
    } finally {
      values.dispose()
      scales?.dispose()
    }
  }
  return undefined
}

/**
 * Loads quantised weights one tensor at a time; `exact` dequantises all of them. A kernel with a wrong product on this machine is ruled out,
 * even if the run recorded it.
 *
 * Errors: BAD_CHECKPOINT.
 */
export async function loadQuantized(
  file: QuantizedFile,
  path: string,
  o: {
    spec: Node
    device: string
    context: number
    exact: boolean
    activations: Quantization['activations']
    kernels?: Quantization['kernels'] | undefined
  },
  before: readonly RuledOut[] = [],
): Promise<OpenedQuantized> {
  const matrices = [...file.matrices.values()]
  const plain = o.exact || o.device !== 'cpu' // the kernels run on the CPU only
  const { kernels, ruledOut } = plain
    ? { kernels: Object.fromEntries(matrices.map((matrix) => [shapeKey(matrix), DEQUANTIZED])), ruledOut: [] }
    : await chooseKernels(matrices, o.context, o.activations, o.kernels, before)
  const packed = [...file.matrices].flatMap(([name, matrix]) => {
    const kernel = kernels[shapeKey(matrix)]!
    return kernel === DEQUANTIZED ? [] : [{ name, kernel, shape: shapeKey(matrix) }]
  })
  const later = packed.map(({ name }) => name)
  const model = await native.model(o.spec, 'float32', o.device, null, later)
  let wrong: RuledOut | undefined
  try {
    wrong = await pack(model, file, packed)
    if (wrong === undefined) {
      await fill(model, path, new Map([...file.tensors].filter(([name]) => !later.includes(name))))
      for (const one of ruledOut) warnRuledOut(ruledOutSentence(one))
      return { model, kernels, ruledOut }
    }
  } catch (error) {
    native.dispose(model)
    throw error
  }
  native.dispose(model)
  return loadQuantized(file, path, o, [...ruledOut, wrong])
}

/** Checks quantised weights against the manifest, and against the parent run if it is in the same folder. Errors: BAD_CHECKPOINT. */
async function checkParent(run: string, folder: string, manifest: RunManifest, { metadata }: QuantizedFile): Promise<void> {
  const { parent } = manifest.quantized!
  const refuse = (expected: string, received: string, hint?: string) =>
    new LvmError('BAD_CHECKPOINT', `${run}: expected ${expected} but received ${received}`, hint === undefined ? {} : { hint })
  for (const [key, wanted] of [
    ['spec_hash', manifest.spec_hash],
    ['parent', parent.run],
    ['parent_sha256', parent.weights_sha256],
  ] as const) {
    const said = metadata.get(key)
    if (said !== wanted) throw refuse(`${QUANTIZED} with ${key} ${wanted}, as in the manifest,`, said ?? 'none')
  }
  const beside = join(dirname(folder), parent.run)
  if (!(await isRun(beside))) return
  const found = (await readManifest(beside).catch(() => undefined))?.manifest
  const sha256 = found?.files[weightsFile(found)]?.sha256
  if (sha256 !== undefined && sha256 !== parent.weights_sha256) {
    throw refuse(
      `weights of ${parent.run} with SHA-256 ${parent.weights_sha256}`,
      `${sha256}: that run was trained again`,
      `quantise it again with --overwrite, or rename ${parent.run}`,
    )
  }
}

/** Loads weights that are not quantised. Errors: BAD_CHECKPOINT. */
export async function loadPlain(
  path: string,
  tensors: StoredTensors,
  o: { spec: Node; dtype: DType; device: string },
): Promise<NativeModel> {
  const model = await native.model(o.spec, o.dtype, o.device, null)
  try {
    await fill(model, path, tensors)
    return model
  } catch (error) {
    native.dispose(model)
    throw error
  }
}

/** Opens the model of a verified run; `approximate` if low-bit kernels compute it. Errors: BAD_CHECKPOINT. */
export async function openModel(
  run: string,
  folder: string,
  path: string,
  manifest: RunManifest,
  o: { device: string; exact: boolean },
): Promise<{ model: NativeModel; approximate: boolean }> {
  const weights = join(path, weightsFile(manifest))
  if (manifest.quantized === undefined) {
    const how = { spec: manifest.spec, dtype: weightsDtype(manifest), device: o.device }
    return { model: await loadPlain(weights, (await openState(weights)).tensors, how), approximate: false }
  }
  const file = await openQuantized(weights)
  await checkParent(run, folder, manifest, file)
  const { spec, context, quantized } = manifest
  const { model, kernels } = await loadQuantized(file, weights, { spec, context, ...o, ...quantized })
  return { model, approximate: Object.values(kernels).some((kernel) => kernel !== DEQUANTIZED) }
}
