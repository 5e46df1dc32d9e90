import type { Readable, Writable } from 'node:stream'

/** One message between a server and its inference process. */
export interface Frame {
  readonly id: number
  readonly kind: number
  /** Parsed JSON; undefined without a header. */
  readonly header: unknown
  readonly payload: Float32Array
}

/** Number of bytes before the header: id, kind, bytes of the header, floats of the payload; each uint32, little-endian. */
const FIXED = 16
const NOTHING = new Float32Array(0)

const bytesOf = (part: Float32Array) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)

/** Writes one frame; parts of the payload are not joined or copied, so they must stay unchanged until they are sent. */
export function writeFrame(
  to: Writable,
  { id, kind, header, parts = [] }: { id: number; kind: number; header?: unknown; parts?: readonly Float32Array[] },
): void {
  const text = header === undefined ? '' : JSON.stringify(header)
  const length = Buffer.byteLength(text)
  const head = Buffer.allocUnsafe(FIXED + length)
  head.writeUInt32LE(id, 0)
  head.writeUInt32LE(kind, 4)
  head.writeUInt32LE(length, 8)
  head.writeUInt32LE(
    parts.reduce((sum, part) => sum + part.length, 0),
    12,
  )
  head.write(text, FIXED)
  to.cork()
  to.write(head)
  for (const part of parts) if (part.length > 0) to.write(bytesOf(part))
  to.uncork()
}

/** Calls `receive` for every frame of a stream; each payload has its own memory, into which the pieces are copied once. */
export function readFrames(from: Readable, receive: (frame: Frame) => void): void {
  const fixed = Buffer.alloc(FIXED)
  let header: Buffer = fixed
  let payload = NOTHING
  let target: Buffer = fixed // the part of the frame that is being filled
  let filled = 0
  const next = () => {
    filled = 0
    if (target === fixed) {
      header = Buffer.allocUnsafe(fixed.readUInt32LE(8))
      payload = new Float32Array(fixed.readUInt32LE(12))
      target = header
    } else if (target === header && payload.length > 0) {
      target = bytesOf(payload)
    } else {
      const frame = {
        id: fixed.readUInt32LE(0),
        kind: fixed.readUInt32LE(4),
        header: header.length === 0 ? undefined : JSON.parse(header.toString()),
        payload,
      }
      payload = NOTHING
      target = fixed
      receive(frame)
    }
  }
  from.on('data', (piece: Buffer) => {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.copy(target, filled, at)
      filled += taken
      at += taken
      while (filled === target.length) next()
    }
  })
}
