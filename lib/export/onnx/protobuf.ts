import type { Piece } from '../../files/write-safetensors.js'

/** Content of a message: bytes, or elements of a tensor that are made while they are written. Units: bytes. */
export type Chunk = Uint8Array | { readonly byteLength: number; readonly piece: Piece }
/** A message of Protocol Buffers, in parts. */
export type Message = readonly Chunk[]

export const sizeOf = (message: Message): number => message.reduce((sum, { byteLength }) => sum + byteLength, 0)

/** Base-128 varint; negative numbers as 64-bit two's complement. */
function varint(value: number | bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

/** A field with an integer. */
export const int = (field: number, value: number | bigint): Message => [
  Uint8Array.from([...varint(field << 3), ...varint(value)]),
]
/** A field with a message, text or bytes. */
export function within(field: number, content: Message | string): Message {
  const inner = typeof content === 'string' ? [Buffer.from(content)] : content
  return [Uint8Array.from([...varint((field << 3) | 2), ...varint(sizeOf(inner))]), ...inner]
}
/** A field with a list of integers, packed. */
export const ints = (field: number, values: readonly number[]): Message =>
  within(field, [Uint8Array.from(values.flatMap(varint))])
/** A field with a float32. */
export function float(field: number, value: number): Message {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return [Uint8Array.from([...varint((field << 3) | 5), ...bytes])]
}

/** Makes the bytes of a message part by part, so that one tensor is in memory at a time. */
export async function* bytesOf(message: Message): AsyncGenerator<NodeJS.ArrayBufferView> {
  for (const chunk of message) {
    if (chunk instanceof Uint8Array) yield chunk
    else {
      using tensor = await chunk.piece.make()
      yield await tensor.data()
    }
  }
}
