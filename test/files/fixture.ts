import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, deflateRawSync } from 'node:zlib'
import { afterAll, expect } from 'vitest'
import type { Base } from '../../lib/data/base.js'
import { type OpenOptions, openBase } from '../../lib/data/open.js'
import { type ErrorCode, LvmError } from '../../lib/errors.js'
import type { Tensor } from '../../lib/torch/tensor.js'

/** A file that the real numpy or torch wrote (fixtures/make.py). */
export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

let folder: string | undefined
/** A path in a folder that is deleted after the test file. */
export function scratch(name: string, content?: Uint8Array | string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'lvm-data-'))
  const path = join(folder, name)
  if (content !== undefined) writeFileSync(path, content)
  return path
}
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true })
})

/** Expects a promise to fail with this code and returns the message. */
export async function refused(code: ErrorCode, promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(LvmError)
  expect((error as LvmError).code, (error as LvmError).message).toBe(code)
  return (error as LvmError).message
}

/** The bytes of an .npy file. */
export function npy(descr: string, shape: readonly number[], data: Uint8Array, fortran = false): Buffer {
  const dims = shape.map((n) => `${n},`).join(' ')
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dims}), }`
  const padded = header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11)
  const head = Buffer.alloc(10)
  head.write('\x93NUMPY\x01\x00', 'latin1')
  head.writeUInt16LE(padded.length + 1, 8)
  return Buffer.concat([head, Buffer.from(`${padded}\n`), data])
}

/** The bytes of any typed array. */
export const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** A seeded stream of random integers below `n`. */
export function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

/** A copy with bytes changed, truncated or repeated at random. */
export function mutate(bytes: Buffer, roll: (n: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  for (let i = roll(4); i >= 0; i--) copy[roll(copy.length)] = roll(3) === 0 ? 255 : roll(256)
  if (roll(6) === 0) return copy.subarray(0, roll(copy.length))
  if (roll(12) === 0) return Buffer.concat([copy, copy.subarray(roll(copy.length))])
  return copy
}

/** A base of articles of these lengths, without vectors. */
export function baseOf(lengths: readonly number[], prefix = 'article'): Base {
  const of = Int32Array.from(lengths.flatMap((length, article) => Array.from({ length }, () => article)))
  return {
    path: 'test.npy',
    contentHash: async () => '',
    kind: 'base',
    part: undefined,
    parts: [],
    rows: of.length,
    dim: 8,
    dtype: 'float32',
    vectors: {} as Tensor,
    articles: { ids: lengths.map((_, i) => `${prefix}-${i}`), of },
    space: undefined,
    card: undefined,
    hash: '',
    sideFile: undefined,
    mapped: false,
    normalized: false,
    norms: { min: 1, max: 1, mean: 1, deviating: 0 },
    warnings: [],
    texts: async () => undefined,
    textsOf: async () => undefined,
    dispose: () => {},
    [Symbol.dispose]: () => {},
  }
}

/** A file for `storedZip`. */
export interface Part {
  name: string
  data: Buffer
  deflate?: boolean
  /** Lies told in the directory. */
  size?: number
  packed?: number
  header?: number
  crc?: number
  flags?: number
  method?: number
}

/** The bytes of a zip file, with any false claims of its entries. */
export function storedZip(parts: readonly Part[]): Buffer {
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const part of parts) {
    const packed = part.deflate ? deflateRawSync(part.data) : part.data
    const name = Buffer.from(part.name)
    const method = part.method ?? (part.deflate ? 8 : 0)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50)
    local.writeUInt16LE(method, 8)
    local.writeUInt16LE(name.length, 26)
    files.push(local, name, packed)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50)
    central.writeUInt16LE(part.flags ?? 0, 8)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(part.crc ?? crc32(part.data), 16)
    central.writeUInt32LE(part.packed ?? packed.length, 20)
    central.writeUInt32LE(part.size ?? part.data.length, 24)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE(part.header ?? at, 42)
    directory.push(central, name)
    at += 30 + name.length + packed.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(parts.length, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...files, listed, end])
}

/** The bytes of a .safetensors file. */
export function safetensors(header: object, data: Uint8Array): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, data])
}

/** The elements of a tensor. */
export const numbers = async (tensor: Tensor) => {
  using wide = await tensor.to({ dtype: 'float64' })
  return [...((await wide.data()) as Float64Array)]
}

/** Opens a base, applies a function and disposes it. */
export async function opened<T>(path: string, look: (base: Base) => T | Promise<T>, options?: OpenOptions): Promise<T> {
  const base = await openBase(path, options)
  try {
    return await look(base)
  } finally {
    base.dispose()
  }
}

/** Rows of length 1 in two dimensions. */
export const circle = (rows: number, scale = 1) =>
  Float32Array.from({ length: 2 * rows }, (_, i) => scale * (i % 2 ? Math.sin(i >> 1) : Math.cos(i >> 1)))
/** The bytes of an .npy file of float32. */
export const f4 = (shape: readonly number[], data: Float32Array) => npy('<f4', shape, bytesOf(data))
