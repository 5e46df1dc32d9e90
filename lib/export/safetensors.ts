import { open } from 'node:fs/promises'
import { LvmError } from '../errors.js'
import type { Tensor } from '../torch/tensor.js'

const NAMES: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  float64: ['F64', 8],
  float32: ['F32', 4],
  float16: ['F16', 2],
  bfloat16: ['BF16', 2],
  int64: ['I64', 8],
  int32: ['I32', 4],
  int16: ['I16', 2],
  int8: ['I8', 1],
  uint8: ['U8', 1],
  bool: ['BOOL', 1],
}

/** Writes tensors as `.safetensors`, one at a time, so that none is held twice. Errors: BAD_ARGUMENT for a dtype that the format lacks. */
export async function writeSafetensors(
  path: string,
  tensors: readonly (readonly [name: string, tensor: Tensor])[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  let at = 0
  const entries = tensors.map(([name, tensor]) => {
    const { shape, dtype } = tensor
    const known = NAMES[dtype]
    if (known === undefined) throw new LvmError('BAD_ARGUMENT', `${path}: safetensors has no dtype for the ${dtype} of "${name}"`)
    const from = at
    at += shape.reduce((a, b) => a * b, 1) * known[1]
    return [name, { dtype: known[0], shape, data_offsets: [from, at] }] as const
  })
  const header = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) })
  const text = Buffer.from(
    header.padEnd(Math.ceil((Buffer.byteLength(header) + 8) / 64) * 64 - 8 + header.length - Buffer.byteLength(header)),
  )
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const file = await open(path, 'w')
  try {
    await file.write(length)
    await file.write(text)
    for (const [, tensor] of tensors) {
      using here = await tensor.to({ device: 'cpu' })
      const data = await here.data()
      await file.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    }
    await file.sync()
  } finally {
    await file.close()
  }
}
