import { type FileHandle, open, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { names } from '../../files/leftovers.js'
import { figuresOf, type Logger, type LogLine } from './log-line.js'

/** Table of CRC-32C (Castagnoli), reflected. */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0)
  return value
})

/** Checksum of a TFRecord. Source: tensorflow/core/lib/hash/crc32c.h, `Mask`. */
function masked(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255]! ^ (crc >>> 8)
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** A record: length, its checksum, data, their checksum. Source: tensorflow/core/lib/io/record_writer.h. */
function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(data.length))
  return Buffer.concat([length, word(masked(length)), data, word(masked(data))])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

/** Fields of a protocol buffer; the tag is the number of the field and the kind of its value. */
const field = {
  integer: (tag: number, value: number) => Buffer.concat([varint(tag * 8), varint(value)]),
  double: (tag: number, value: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(value)
    return Buffer.concat([varint(tag * 8 + 1), bytes])
  },
  float: (tag: number, value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatLE(value)
    return Buffer.concat([varint(tag * 8 + 5), bytes])
  },
  bytes: (tag: number, value: Buffer) => Buffer.concat([varint(tag * 8 + 2), varint(value.length), value]),
}

/** An event with the scalars of a line. Source: tensorflow/core/util/event.proto and summary.proto. */
function event(line: LogLine): Buffer {
  const values = Object.entries(figuresOf(line)).map(([name, value]) =>
    field.bytes(1, Buffer.concat([field.bytes(1, Buffer.from(name)), field.float(2, value)])),
  )
  const seconds = Date.parse(line.time) / 1000
  return record(Buffer.concat([field.double(1, seconds), field.integer(2, line.step), field.bytes(5, Buffer.concat(values))]))
}

const PREFIX = 'events.out.tfevents.'

/** Writes an event file of TensorBoard into the run's folder; a resumed run writes it anew from metrics.jsonl. */
export function tensorboardLogger(folder: string): Logger {
  let file: FileHandle | undefined
  return {
    begin: async (kept) => {
      for (const name of await names(folder)) if (name.startsWith(PREFIX)) await rm(join(folder, name), { force: true })
      const seconds = Date.now() / 1000
      const host = hostname().replace(/[^\w.-]/g, '_') || 'localhost'
      file = await open(join(folder, `${PREFIX}${Math.floor(seconds)}.${host}.${process.pid}`), 'a')
      await file.appendFile(record(Buffer.concat([field.double(1, seconds), field.bytes(3, Buffer.from('brain.Event:2'))])))
      for await (const line of kept()) await file.appendFile(event(line))
    },
    write: async (line) => {
      await file!.appendFile(event(line))
    },
    close: async () => {
      await file?.close()
    },
  }
}
