import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve as resolvePath } from 'node:path'
import { inFreshProcess } from '../checkpoint/fresh-process.js'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { QUANTIZED } from '../checkpoint/run-manifest.js'
import { longDoor } from '../control.js'
import { withFields, word } from '../door.js'
import { badOption, fileError, LvmError } from '../errors.js'
import { names, removeStale } from '../files/leftovers.js'
import { copyWhole, syncFolder, temporary } from '../files/write.js'
import { pieceOf, writeSafetensors } from '../files/write-safetensors.js'
import { packageRoot } from '../libtorch/paths.js'
import { native } from '../native.js'
import { type Given, type Options, resolve } from '../options.js'
import { contextsOf } from '../spec/contexts.js'
import { stage } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import type { Comparison } from './compare-export.js'
import { exportFields, FORMATS, type Format } from './export-fields.js'
import { findRuntime, type Runtime } from './onnx/runtime.js'
import { isBeside, writeOnnx } from './onnx/write-onnx.js'
import { torchScript } from './torchscript.js'

/** Options of `exportRun`: the run, and any field of `exportFields`. */
export interface ExportOptions extends Given<typeof exportFields> {
  /** Folder of the run, or its name below `artifacts/lvm/models`. */
  readonly run: string
}
/** Result of an export: the file, and its comparison with the run in a fresh process. */
export interface Exported {
  readonly version: 1
  readonly run: string
  readonly model: string
  readonly format: Format
  readonly out: string
  /** Second file with the weights of an ONNX model that does not fit into one; null without one. */
  readonly beside: string | null
  /** Size of all files. */
  readonly bytes: number
  /** null for an ONNX file that was written unchecked. */
  readonly compared: Comparison | null
}

const ENDINGS: Record<Format, string> = { torchscript: '.ts.pt', safetensors: '.safetensors', onnx: '.onnx' }

/** The facts about a run that its exported file holds. */
const factsOf = ({ manifest }: Model): Record<string, string> => ({
  format: 'lvm-torch/1',
  model: manifest.model,
  context: String(manifest.context),
  ...(manifest.history !== undefined && {
    history: String(manifest.history),
    min_history: String(manifest.min_history),
  }),
  dim: String(manifest.dim),
  space: manifest.data?.space ?? '',
  spec: JSON.stringify(manifest.spec),
  spec_hash: manifest.spec_hash,
})

async function write(model: Model, path: string, format: Format, unchecked: boolean): Promise<void> {
  const { manifest } = model
  const state = native.modelState(model.native)
  const { dim } = manifest
  if (format === 'torchscript') {
    const weight = state.find(({ trainable }) => trainable)!.name
    return native.scriptSave(model.native, path, torchScript(manifest.spec, { dim, weight, ...contextsOf(manifest.spec) }))
  }
  if (format === 'onnx') {
    const normalized = String(manifest.data?.normalized ?? false)
    return writeOnnx(model, path, { ...factsOf(model), normalized, compared: String(!unchecked) })
  }
  if (manifest.quantized !== undefined) return copyWhole(join(model.folder, QUANTIZED), path) // copied unchanged: its weights are integers already
  return writeSafetensors(
    path,
    state.map(({ name, tensor }) => pieceOf(name, Tensor.wrap(tensor))),
    factsOf(model),
  )
}

/** Format that the options and the ending of the file agree on. Errors: BAD_OPTION. */
function formatOf({ format, out, unchecked }: Options<typeof exportFields>): Format {
  const byEnding = out === undefined ? undefined : FORMATS.find((each) => out.endsWith(ENDINGS[each].replace('.ts', '')))
  if (format === undefined && out !== undefined && byEnding === undefined)
    throw badOption('export', 'out', 'a file that ends in .onnx, .safetensors or .pt', out, 'rename it, or name a --format')
  const chosen = format ?? byEnding ?? 'torchscript'
  if (out !== undefined && byEnding !== chosen && (chosen !== 'torchscript' || byEnding !== undefined))
    throw badOption('export', 'out', `a file that ends in ${ENDINGS[chosen]}`, out)
  if (unchecked && chosen !== 'onnx')
    throw badOption(
      'export',
      'unchecked',
      'an export as onnx, because other formats need nothing else to compare them',
      unchecked,
    )
  return chosen
}

/** Compares the outputs of the file with the run in a fresh process. Errors: FOREIGN_FORWARD; those of the process. */
const compareElsewhere = (folder: string, path: string, format: Format, runtime?: Runtime): Promise<Comparison> =>
  inFreshProcess('export', join(packageRoot(), 'dist', 'lib', 'export', 'compare-export-child.js'), [
    folder,
    path,
    format,
    ...(runtime === undefined ? [] : [JSON.stringify(runtime)]),
  ])

/** Gives compared files their names, the file that names the others last, and removes second files of the one before. */
async function publishAll(from: string, path: string): Promise<{ beside: string | null; bytes: number }> {
  const folder = dirname(path)
  const others = (await names(from)).filter((name) => name !== basename(path))
  for (const name of others) await rename(join(from, name), join(folder, name))
  await rename(join(from, basename(path)), path)
  await syncFolder(folder)
  for (const name of await names(folder))
    if (isBeside(path, name) && !others.includes(name)) await rm(join(folder, name), { force: true })
  const files = [path, ...others.map((name) => join(folder, name))]
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return { beside: files[1] ?? null, bytes: sizes.reduce((sum, size) => sum + size) }
}

const ARGS = { options: withFields({ run: word }) }

/**
 * Exports a run to a file, which gets its name only after a fresh process has loaded it and reproduced the outputs of the run.
 *
 * An ONNX file is computed by an ONNX Runtime that is installed: onnxruntime-node, onnxruntime-web, or the one of a Python.
 * Errors: those of load; RUN_EXISTS when the file exists; ONNX_MISSING; FOREIGN_FORWARD when the outputs differ.
 */
export const exportRun = longDoor('export', ARGS, async ({ run, ...given }: ExportOptions): Promise<Exported> => {
  const options = resolve('export', exportFields, given)
  const { out, overwrite, unchecked } = options
  const format = formatOf(options)
  using model = await load(run, { device: 'cpu', exact: true })
  const path = resolvePath(out ?? join(model.folder, `exported${unchecked ? '.unchecked' : ''}${ENDINGS[format]}`))
  if (!overwrite && existsSync(path))
    throw new LvmError('RUN_EXISTS', `export: expected no file at ${path} but there is one`, {
      hint: 'use --overwrite, or --out FILE',
    })
  const runtime = format === 'onnx' && !unchecked ? await findRuntime(4 * model.manifest.parameters) : undefined
  const folder = temporary(dirname(path))
  const part = join(folder, basename(path))
  try {
    await mkdir(dirname(path), { recursive: true })
    await removeStale(dirname(path))
    await mkdir(folder)
    await stage('write', () => write(model, part, format, unchecked))
    const compared = unchecked
      ? null
      : await stage('compare in another process', () => compareElsewhere(model.folder, part, format, runtime))
    const published = await publishAll(folder, path)
    return { version: 1, run: model.name, model: model.manifest.model, format, out: path, ...published, compared }
  } catch (error) {
    throw fileError(error, `could not write ${path}`)
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => {})
  }
})
