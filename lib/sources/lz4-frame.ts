/** Most bytes that one packed byte can stand for, in LZ4 and in Zstandard's usual blocks. */
const RATIO = 4096

/** Size of an unpacked buffer as its file claims it. Errors: RangeError for more than its packed bytes can hold. */
export function roomFor(packed: Uint8Array, size: number): number {
  if (Number.isSafeInteger(size) && size >= 0 && size <= RATIO * (packed.length + 1024)) return size
  throw new RangeError(`a buffer of ${packed.length} bytes claims to unpack to ${size}`)
}

/** Copies a match of an LZ4 block, which may overlap its own output. */
function repeat(out: Uint8Array, at: number, distance: number, length: number): void {
  if (distance === 0 || distance > at || at + length > out.length) throw new RangeError('an LZ4 block points outside its output')
  if (distance >= length) out.copyWithin(at, at - distance, at - distance + length)
  else for (let i = 0; i < length; i++) out[at + i] = out[at + i - distance]!
}

/** Unpacks one LZ4 block behind the output so far and returns the new end. Source: LZ4 block format. */
function unpackBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let [i, at] = [0, start]
  const extended = (low: number) => {
    let length = low
    if (low === 15)
      for (let more = 255; more === 255; ) {
        more = block[i++] ?? 0
        length += more
      }
    return length
  }
  while (i < block.length) {
    const token = block[i++]!
    const literals = extended(token >> 4)
    if (i + literals > block.length || at + literals > out.length) throw new RangeError('an LZ4 block is cut short')
    out.set(block.subarray(i, i + literals), at)
    i += literals
    at += literals
    if (i >= block.length) break // the last sequence has no match
    const distance = block[i]! | (block[i + 1]! << 8)
    i += 2
    const length = extended(token & 15) + 4
    repeat(out, at, distance, length)
    at += length
  }
  return at
}

/**
 * Unpacks an LZ4 frame, whose blocks may refer to earlier ones; checksums are not verified.
 *
 * Errors: RangeError for a damaged frame, and for one of another size.
 * Source: LZ4 frame format 1.6.
 */
export function unpackLz4Frame(frame: Uint8Array, size: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (view.getUint32(0, true) !== 0x184d2204) throw new RangeError('an LZ4 frame does not begin like one')
  const flags = frame[4]!
  const [sized, blockSums, dictionary] = [flags & 8, flags & 16, flags & 1]
  let at = 6 + (sized ? 8 : 0) + (dictionary ? 4 : 0) + 1
  const out = new Uint8Array(roomFor(frame, size))
  let end = 0
  for (let header = view.getUint32(at, true); header !== 0; header = view.getUint32(at, true)) {
    const length = header & 0x7fffffff
    const block = frame.subarray(at + 4, at + 4 + length)
    if (block.length !== length) throw new RangeError('an LZ4 frame is cut short')
    if (header >>> 31 === 0) end = unpackBlock(block, out, end)
    else {
      out.set(block, end) // stored as it is
      end += length
    }
    at += 4 + length + (blockSums ? 4 : 0)
  }
  if (end !== size) throw new RangeError(`an LZ4 frame unpacks to ${end} bytes, not ${size}`)
  return out
}
