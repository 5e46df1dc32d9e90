import { LvmError } from '../errors.js'
import type { DType } from './element.js'
import { writeNew } from './write.js'

/** The part of a tensor's interface that a file writer needs. */
interface Source extends Disposable {
  data(): Promise<NodeJS.ArrayBufferView>
}
/** A tensor that is made just before it is written and freed afterwards. */
export interface Piece {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: DType
  make(): Promise<Source>
}

/** Wraps an existing tensor, which is not freed. */
export const pieceOf = (
  name: string,
  tensor: Pick<Piece, 'shape' | 'dtype'> & { to(place: { readonly device: 'cpu' }): { ready(): Promise<Source> } },
): Piece => ({
  name,
  shape: tensor.shape,
  dtype: tensor.dtype,
  make: () => tensor.to({ device: 'cpu' }).ready(),
})

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

/** Beginning of a `.safetensors` file of one matrix, "vectors"; of equal length for any number of rows. */
export function safetensorsHeader(rows: number, dim: number, dtype: 'float16' | 'float32'): Buffer {
  const [name, size] = NAMES[dtype]!
  const text = JSON.stringify({ vectors: { dtype: name, shape: [rows, dim], data_offsets: [0, rows * dim * size] } })
  const head = Buffer.alloc(256, ' ')
  head.writeBigUInt64LE(BigInt(head.length - 8))
  head.write(text, 8)
  return head
}

/** Writes tensors as `.safetensors` one at a time, so that only one copy is in memory. Errors: BAD_ARGUMENT for an unsupported dtype. */
export async function writeSafetensors(
  path: string,
  pieces: readonly Piece[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  let at = 0
  const entries = pieces.map(({ name, shape, dtype }) => {
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
  await writeNew(
    path,
    (async function* () {
      yield length
      yield text
      for (const piece of pieces) {
        using tensor = await piece.make()
        yield await tensor.data()
      }
    })(),
  )
}
