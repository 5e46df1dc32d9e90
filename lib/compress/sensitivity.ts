import { asMatrix, type ModelMatrix, scalesOf, valuesOf } from '../checkpoint/quantize-matrix.js'
import type { Scheme } from '../checkpoint/quantized.js'
import { dequantized, sizesOf } from '../checkpoint/quantized.js'
import type { Chosen } from '../evaluate/subject.js'
import { type NativeModel, native } from '../native.js'
import { Tensor } from '../torch/tensor.js'
import { cosines, mean } from './compress-gate.js'

/** Budget of a search: multiplications of one window with one parameter, for every size of model. */
const WORK = 3e12
const [FEWEST, MOST] = [16, 512]

/** Returns the number of windows of a search. */
export const searchWindows = (matrices: number, parameters: number): number =>
  Math.round(Math.min(MOST, Math.max(FEWEST, WORK / (matrices * parameters))))

/** Quantises and dequantises a matrix, in its stored shape. */
async function rounded(scheme: Scheme, weight: Tensor, matrix: ModelMatrix): Promise<Tensor> {
  using exact = await asMatrix(weight, matrix)
  if (scheme === 'bf16') {
    using half = await exact.to({ dtype: 'bfloat16' }).ready()
    using back = await half.to({ dtype: 'float32' }).ready()
    return matrix.layout === 'columns' ? back.op('aten::t') : back.op('aten::view', [...matrix.shape])
  }
  using scales = await scalesOf(scheme, exact)
  using values = await valuesOf(scheme, exact, scales)
  using back = await dequantized(scheme, values, scales, sizesOf(matrix).in)
  return matrix.layout === 'columns' ? back.op('aten::t') : back.op('aten::view', [...matrix.shape])
}

/** Measures the loss of mean cosine when each matrix alone is quantised; restores the model afterwards. */
export async function effects(
  model: NativeModel,
  matrices: readonly ModelMatrix[],
  rows: Pick<Chosen, 'base' | 'windows' | 'ids'>,
  scheme: Scheme,
  done: (count: number) => void,
): Promise<Map<string, number>> {
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  const whole = mean(await cosines(model, rows))
  const found = new Map<string, number>()
  for (const matrix of matrices) {
    const weight = state.get(matrix.name)!
    using before = await weight.op('aten::clone')
    using after = await rounded(scheme, weight, matrix)
    await weight.change('aten::copy_', after)
    found.set(matrix.name, whole - mean(await cosines(model, rows)))
    await weight.change('aten::copy_', before)
    done(found.size)
  }
  return found
}
