import { asMatrix, type ModelMatrix, scalesOf, valuesOf } from '../checkpoint/quantize-matrix.js'
import { FORMAT, GROUP, type QuantizedMatrix, type Scheme, scaleName, sizesOf } from '../checkpoint/quantized.js'
import type { Stored, StoredTensors } from '../checkpoint/stored-tensors.js'
import { type Piece, writeSafetensors } from '../files/write-safetensors.js'
import type { Tensor } from '../torch/tensor.js'

/** Returns the bytes of a matrix with its scales. */
export function bytesOf(scheme: Scheme | 'fp32', matrix: Pick<ModelMatrix, 'shape' | 'layout'>): number {
  const { out, in: input } = sizesOf(matrix)
  if (scheme === 'int8') return out * (input + 4)
  if (scheme === 'int4') return out * (Math.ceil(input / 2) + 4 * Math.ceil(input / GROUP))
  return out * input * (scheme === 'bf16' ? 2 : 4)
}

/** Writes weights, quantising the given matrices one at a time. */
export async function writeQuantized(
  path: string,
  tensors: StoredTensors,
  matrices: ReadonlyMap<string, QuantizedMatrix>,
  facts: Readonly<Record<string, string>>,
): Promise<void> {
  const matrix = async (stored: Stored, of: QuantizedMatrix): Promise<Tensor> => {
    using tensor = await stored.read()
    return await asMatrix(tensor, of)
  }
  const floats: Piece[] = []
  const packed: Piece[] = []
  for (const [name, stored] of tensors) {
    const of = matrices.get(name)
    if (of === undefined) {
      const make = async () => {
        using tensor = await stored.read()
        return tensor.to({ dtype: 'float32' }).ready()
      }
      floats.push({ name, shape: stored.shape, dtype: 'float32', make })
      continue
    }
    const { out, in: input } = sizesOf(of)
    const { scheme } = of
    if (scheme === 'bf16') {
      const make = async () => {
        using exact = await matrix(stored, of)
        return exact.to({ dtype: 'bfloat16' }).ready()
      }
      packed.push({ name, shape: [out, input], dtype: 'bfloat16', make })
      continue
    }
    const scales = async () => {
      using exact = await matrix(stored, of)
      return await scalesOf(scheme, exact)
    }
    const values = async () => {
      using exact = await matrix(stored, of)
      using by = await scalesOf(scheme, exact)
      return await valuesOf(scheme, exact, by)
    }
    floats.push({
      name: scaleName(name),
      shape: scheme === 'int8' ? [out] : [out, Math.ceil(input / GROUP)],
      dtype: 'float32',
      make: scales,
    })
    packed.push({
      name,
      shape: [out, scheme === 'int8' ? input : Math.ceil(input / 2)],
      dtype: scheme === 'int8' ? 'int8' : 'uint8',
      make: values,
    })
  }
  const metadata = { format: FORMAT, ...facts, matrices: JSON.stringify(Object.fromEntries(matrices)) }
  await writeSafetensors(path, [...floats, ...packed], metadata)
}
