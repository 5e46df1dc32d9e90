import { chooseKernels, DEQUANTIZED, type RuledOut, ruledOutSentence, shapeKey } from '../../checkpoint/kernels.js'
import { asMatrix, matricesOf, scalesOf, valuesOf } from '../../checkpoint/quantize-matrix.js'
import { asStored, dequantized, type QuantizedMatrix, sizesOf } from '../../checkpoint/quantized.js'
import { LvmError } from '../../errors.js'
import { type NativeModel, native } from '../../native.js'
import { warnRuledOut } from '../../torch/ruled-out.js'
import { Tensor } from '../../torch/tensor.js'

/** Kernels are timed for a product with so many tokens, and with 32 times as many. */
const TOKENS = 16

/** Rounds all matrices of a loaded encoder to bfloat16. Errors: BAD_OPTION. */
export async function roundToBf16(model: NativeModel): Promise<void> {
  if (await native.modelRoundToBf16(model)) return
  throw new LvmError('BAD_OPTION', 'Encoder: expected correct bfloat16 products for "precision" but this machine has none')
}

/** Quantises one matrix for a kernel, or for the next best one if its products are wrong on this machine; returns the ruled-out ones. */
async function quantize(
  model: NativeModel,
  weight: Tensor,
  matrix: QuantizedMatrix & { readonly name: string },
  kernel: string,
  ruledOut: readonly RuledOut[],
): Promise<readonly RuledOut[]> {
  using exact = await asMatrix(weight, matrix)
  using scales = await scalesOf('int8', exact)
  using values = await valuesOf('int8', exact, scales)
  for (let [wanted, wrong] = [kernel, ruledOut]; ; ) {
    if (wanted === DEQUANTIZED) {
      using back = await asStored(await dequantized('int8', values, scales, sizesOf(matrix).in), matrix)
      await weight.change('aten::copy_', back)
      return wrong
    }
    if (await native.modelPack(model, matrix.name, wanted, values.native, scales.native)) return wrong
    const next = await chooseKernels([matrix], TOKENS, 'int8', undefined, [...wrong, { kernel: wanted, shape: shapeKey(matrix) }])
    ;[wanted, wrong] = [next.kernels[shapeKey(matrix)]!, next.ruledOut]
  }
}

/** Quantises all matrices of a loaded encoder to 8 bits, one after the other, each for the fastest kernel of its shape. */
export async function roundToInt8(model: NativeModel): Promise<void> {
  const matrices = matricesOf(model).map((matrix) => ({ ...matrix, scheme: 'int8' as const }))
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  try {
    let { kernels, ruledOut } = await chooseKernels(matrices, TOKENS, 'int8', undefined)
    for (const matrix of matrices) {
      using weight = state.get(matrix.name)!
      ruledOut = await quantize(model, weight, matrix, kernels[shapeKey(matrix)]!, ruledOut)
    }
    for (const one of ruledOut) warnRuledOut(ruledOutSentence(one))
  } finally {
    for (const tensor of state.values()) tensor.dispose()
  }
}
