import { type NativeModel, native } from '../native.js'
import { warnRuledOut } from '../torch/ruled-out.js'
import { chooseKernels, ruledOutSentence, shapeKey } from './kernels.js'
import { matricesOf } from './quantize-matrix.js'

/**
 * Packs the float32 matrices of a model on the CPU for predictions, where the packed form is faster on this machine. Its numbers do not
 * change; sums may be rounded in another order. Returns whether any was packed.
 */
export async function freeze(model: NativeModel, context: number): Promise<boolean> {
  const matrices = matricesOf(model).map((matrix) => ({ ...matrix, scheme: 'fp32' as const }))
  const { kernels, ruledOut } = await chooseKernels(matrices, context, 'int8', undefined)
  for (const one of ruledOut) warnRuledOut(ruledOutSentence(one))
  const names = matrices.filter((matrix) => kernels[shapeKey(matrix)] === 'panels').map(({ name }) => name)
  return names.length > 0 && (await native.modelFreeze(model, names))
}
