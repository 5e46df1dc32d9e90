import { LvmError, shown } from '../../errors.js'
import { Tensor } from '../../torch/tensor.js'

/** Copies vectors to a float32 matrix. Errors: BAD_ARGUMENT for another shape; DATA_NOT_FINITE; DATA_ZERO. */
export async function matrixOf(vectors: Float32Array | Tensor, dim: number): Promise<Tensor> {
  const matrix =
    vectors instanceof Tensor
      ? await vectors.to({ device: 'cpu', dtype: 'float32' }).ready()
      : vectors instanceof Float32Array && vectors.length % dim === 0
        ? Tensor.from(vectors, [vectors.length / dim, dim])
        : undefined
  if (matrix === undefined || matrix.shape.length !== 2 || matrix.shape[1] !== dim)
    throw new LvmError(
      'BAD_ARGUMENT',
      `decode: expected a Float32Array of n · ${dim} numbers or a Tensor [n, ${dim}] but received ${matrix === undefined ? shown(vectors) : `[${matrix.shape.join(', ')}]`}`,
    )
  return matrix
}

/** Errors: DATA_NOT_FINITE and DATA_ZERO name the first such row. */
export async function rowsOf(matrix: Tensor): Promise<Float32Array[]> {
  const data = (await matrix.data()) as Float32Array
  const dim = matrix.shape[1]!
  return Array.from({ length: matrix.shape[0]! }, (_, i) => {
    const row = data.subarray(i * dim, (i + 1) * dim)
    if (!row.every(Number.isFinite))
      throw new LvmError('DATA_NOT_FINITE', `decode: expected finite vectors but row ${i} holds NaN or Inf`)
    if (row.every((x) => x === 0))
      throw new LvmError('DATA_ZERO', `decode: expected vectors with a direction but row ${i} is all zeros`)
    return row
  })
}
