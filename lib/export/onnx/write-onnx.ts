import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import type { Model } from '../../checkpoint/model.js'
import { openQuantized } from '../../checkpoint/quantized.js'
import { QUANTIZED, weightsFile } from '../../checkpoint/run-manifest.js'
import { writeNew } from '../../files/write.js'
import { packageVersion } from '../../libtorch/paths.js'
import { contextsOf } from '../../spec/contexts.js'
import { onnxModel, stateOf } from './onnx.js'
import type { Integers } from './onnx-writer.js'
import { bytesOf } from './protobuf.js'

/** Ending of the names of second files, after that of their model and a part of a hash. */
const BESIDE = '.data'

/** Whether a file is a second file of an exported model. */
export const isBeside = (model: string, name: string): boolean => {
  const stem = `${basename(model)}.`
  return name.startsWith(stem) && /^[0-9a-f]{12}\.data$/.test(name.slice(stem.length))
}

/** Matrices of 8 bits of a quantised run. Other formats have no form in this operator set. */
async function integersOf({ manifest, folder }: Model): Promise<Map<string, Integers>> {
  const found = new Map<string, Integers>()
  if (manifest.quantized === undefined) return found
  const file = await openQuantized(join(folder, QUANTIZED))
  for (const [name, { scheme, layout }] of file.matrices) {
    if (scheme !== 'int8') continue
    const { values, scales } = await file.parts(name)
    found.set(name, { values, scales: scales!, turned: layout === 'columns' })
  }
  return found
}

/** Writes a run as ONNX; weights that do not fit into one file go to a second one in the same folder. */
export async function writeOnnx(
  model: Model,
  path: string,
  metadata: Readonly<Record<string, string>>,
  most?: number,
): Promise<void> {
  const { manifest } = model
  const version = packageVersion()
  const hash = createHash('sha256')
    .update(`${version} ${manifest.files[weightsFile(manifest)]!.sha256}`)
    .digest('hex')
  const beside = `${basename(path)}.${hash.slice(0, 12)}${BESIDE}`
  const facts = {
    dim: manifest.dim,
    contexts: contextsOf(manifest.spec),
    producer: { name: 'lvm-torch', version },
    metadata,
  }
  const integers = await integersOf(model)
  try {
    const file = onnxModel(manifest.spec, stateOf(model.native), facts, { beside, integers, ...(most !== undefined && { most }) })
    await writeNew(path, bytesOf(file.message))
    if (file.beside.length > 0) await writeNew(join(dirname(path), beside), bytesOf(file.beside))
  } finally {
    for (const { values, scales } of integers.values()) {
      values.dispose()
      scales.dispose()
    }
  }
}
