import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve as resolvePath } from 'node:path'
import { inFreshProcess } from '../checkpoint/fresh-process.js'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { QUANTIZED } from '../checkpoint/run-manifest.js'
import { longDoor } from '../control.js'
import { withFields, word } from '../door.js'
import { badOption, fileError, LvmError } from '../errors.js'
import { removeStale } from '../files/leftovers.js'
import { copyWhole, syncFolder, temporary } from '../files/write.js'
import { pieceOf, writeSafetensors } from '../files/write-safetensors.js'
import { packageRoot } from '../libtorch/paths.js'
import { native } from '../native.js'
import { type Given, resolve } from '../options.js'
import { contextsOf } from '../spec/contexts.js'
import { stage } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import type { Comparison } from './compare-export.js'
import { exportFields, type Format } from './export-fields.js'
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
  readonly bytes: number
  readonly compared: Comparison
}

const ENDINGS: Record<Format, string> = { torchscript: '.ts.pt', safetensors: '.safetensors' }

async function write(model: Model, path: string, format: Format): Promise<void> {
  const { manifest } = model
  const state = native.modelState(model.native)
  const { dim } = manifest
  if (format === 'torchscript') {
    const weight = state.find(({ trainable }) => trainable)!.name
    return native.scriptSave(model.native, path, torchScript(manifest.spec, { dim, weight, ...contextsOf(manifest.spec) }))
  }
  if (manifest.quantized !== undefined) return copyWhole(join(model.folder, QUANTIZED), path) // copied unchanged: its weights are integers already
  const facts = {
    format: 'lvm-torch/1',
    model: manifest.model,
    context: String(manifest.context),
    ...(manifest.history !== undefined && {
      history: String(manifest.history),
      min_history: String(manifest.min_history),
    }),
    dim: String(dim),
    space: manifest.data?.space ?? '',
    spec: JSON.stringify(manifest.spec),
    spec_hash: manifest.spec_hash,
  }
  return writeSafetensors(
    path,
    state.map(({ name, tensor }) => pieceOf(name, Tensor.wrap(tensor))),
    facts,
  )
}

/** Compares the outputs of the file with the run in a fresh process. Errors: FOREIGN_FORWARD; those of the process. */
const compareElsewhere = (folder: string, path: string, format: Format): Promise<Comparison> =>
  inFreshProcess('export', join(packageRoot(), 'dist', 'lib', 'export', 'compare-export-child.js'), [folder, path, format])

const ARGS = { options: withFields({ run: word }) }

/**
 * Exports a run to a file, which gets its name only after a fresh process has loaded it and reproduced the outputs of the run.
 *
 * Errors: those of load; RUN_EXISTS when the file exists; FOREIGN_FORWARD when the outputs differ.
 */
export const exportRun = longDoor('export', ARGS, async ({ run, ...given }: ExportOptions): Promise<Exported> => {
  const { format, out, overwrite } = resolve('export', exportFields, given)
  using model = await load(run, { device: 'cpu', exact: true })
  const ending = ENDINGS[format]
  const path = resolvePath(out ?? join(model.folder, `exported${ending}`))
  if (format === 'safetensors' && !path.endsWith(ending)) throw badOption('export', 'out', `a file that ends in ${ending}`, out)
  if (!overwrite && existsSync(path))
    throw new LvmError('RUN_EXISTS', `export: expected no file at ${path} but there is one`, {
      hint: 'use --overwrite, or --out FILE',
    })
  const part = temporary(dirname(path), ending)
  try {
    await mkdir(dirname(path), { recursive: true })
    await removeStale(dirname(path))
    await stage('write', () => write(model, part, format))
    const compared = await stage('compare in another process', () => compareElsewhere(model.folder, part, format))
    await rename(part, path)
    await syncFolder(dirname(path))
    const { size: bytes } = await stat(path)
    return { version: 1, run: model.name, model: model.manifest.model, format, out: path, bytes, compared }
  } catch (error) {
    throw fileError(error, `could not write ${path}`)
  } finally {
    await rm(part, { force: true }).catch(() => {})
  }
})
