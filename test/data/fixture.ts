import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { type ErrorCode, LvmError } from '../../lib/errors.js'

/** A file that the real numpy or torch wrote (fixtures/make.py). */
export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

let folder: string | undefined
/** A path in a folder that goes away after the test file. */
export function scratch(name: string, content?: Uint8Array | string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'lvm-data-'))
  const path = join(folder, name)
  if (content !== undefined) writeFileSync(path, content)
  return path
}
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true })
})

/** Waits for a promise to fail with this code, and gives the message. */
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

/** Small whole numbers below `n`, the same in every run. */
export function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

/** A copy with a few bytes changed, cut off, or repeated. */
export function mutate(bytes: Buffer, roll: (n: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  for (let i = roll(4); i >= 0; i--) copy[roll(copy.length)] = roll(3) === 0 ? 255 : roll(256)
  if (roll(6) === 0) return copy.subarray(0, roll(copy.length))
  if (roll(12) === 0) return Buffer.concat([copy, copy.subarray(roll(copy.length))])
  return copy
}
