import { describe, expect, it } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { elements, parseElementType, plainElements } from '../../lib/files/element.js'
import { parseLiteral, parseNpy } from '../../lib/files/npy.js'
import { bytesOf, dice, mutate, npy } from './fixture.js'

const parse = (bytes: Buffer) => parseNpy('x.npy', 'x', bytes)

describe('npy headers', () => {
  it('parseNpy reads versions 1 to 3 of the format', () => {
    const one = npy('<f2', [3, 4], new Uint8Array(24))
    expect(parse(one)).toEqual({ type: { kind: 'float', size: 2, swap: false }, fortran: false, shape: [3, 4], start: 128 })
    for (const version of [2, 3]) {
      const wide = Buffer.concat([one.subarray(0, 10), Buffer.alloc(2), one.subarray(10)])
      wide[6] = version
      expect(parse(wide)).toMatchObject({ shape: [3, 4], start: 130 })
    }
  })

  it('parseNpy reads scalars, column-major order, and the sizes with L of Python 2', () => {
    expect(parse(npy('<f4', [], new Uint8Array(4))).shape).toEqual([])
    expect(parse(npy('>f8', [2], new Uint8Array(16), true))).toMatchObject({ fortran: true, type: { swap: true } })
    expect(parseLiteral("{'shape': (10L, 3L)}")).toEqual(new Map([['shape', [10, 3]]]))
  })

  it.each([
    ['code', "__import__('os')"],
    ['a call', '{"a": f()}'],
    ['an open bracket', '{"a": (1, 2}'],
    ['a missing comma', '(1 2)'],
    ['text after the end', '{} {}'],
    ['deep nesting', '('.repeat(10_000)],
    ['empty text', ''],
  ])('parseLiteral refuses %s', (_, text) => {
    expect(() => parseLiteral(text)).toThrow(SyntaxError)
  })

  it.each([
    ['an unknown type', npy('<q9', [1], new Uint8Array(8)).toString('latin1')],
    ['a huge shape', npy('<f4', [2 ** 40, 2 ** 40], new Uint8Array(8)).toString('latin1')],
    ['another magic', 'hello world'],
    ['version 9', '\x93NUMPY\x09\x00\x10\x00{}'],
    ['a header beyond the end', '\x93NUMPY\x02\x00\xff\xff\xff\xff{}'],
    ['an empty file', ''],
  ])('parseNpy refuses %s', (_, text) => {
    expect(() => parse(Buffer.from(text, 'latin1'))).toThrow(LvmError)
  })

  it.each([
    ['a record', "[('a', '<f4')]", 'record'],
    ['times', "'<M8[ns]'", '<M8[ns]'],
    ['durations', "'<m8[25s]'", '<m8[25s]'],
    ['extended-precision numbers', "'<f16'", '<f16'],
    ['raw bytes', "'|V12'", '|V12'],
  ])('parseNpy names the type of an unsupported array: %s', (_, descr, name) => {
    const head = npy('', [1], new Uint8Array(1)).toString('latin1').replace("''", descr)
    expect(parse(Buffer.from(head, 'latin1'))).toMatchObject({ type: { kind: 'unread', name }, shape: [1] })
  })

  it('parseNpy answers 5,000 random mutations with an LvmError at worst', () => {
    const roll = dice(4)
    const bytes = npy('<f4', [10, 20], new Uint8Array(800)).subarray(0, 140)
    for (let i = 0; i < 5000; i++) {
      try {
        expect(elements(parse(mutate(bytes, roll)).shape)).toBeLessThan(2 ** 53)
      } catch (error) {
        expect(error).toBeInstanceOf(LvmError)
      }
    }
  })
})

describe('elements', () => {
  const values = (descr: string, data: ArrayBufferView) => plainElements(Buffer.from(bytesOf(data)), parseElementType(descr)!)
  it('plainElements reads numbers of every type', () => {
    expect(values('<f8', Float64Array.of(1.5, -2))).toEqual([1.5, -2])
    expect(values('|i1', Int8Array.of(-1))).toEqual([-1])
    expect(values('<u2', Uint16Array.of(65535))).toEqual([65535])
    expect(values('<i8', BigInt64Array.of(5n, -(2n ** 60n)))).toEqual([5, -(2n ** 60n)])
    expect(values('>i4', Uint8Array.of(0, 0, 1, 0))).toEqual([256])
    expect(values('|b1', Uint8Array.of(0, 1, 2))).toEqual([false, true, true])
  })
  it('plainElements reads text and bytes without their padding', () => {
    expect(values('<U3', Uint32Array.of(0x1f600, 97, 0, 98, 0, 0))).toEqual(['😀a', 'b'])
    expect(values('|S4', Buffer.from('ab\0\0caf\0'))).toEqual(['ab', 'caf'])
  })
  it('parseElementType distinguishes unsupported numpy types from invalid ones', () => {
    for (const descr of ['<f3', '<c8x', '<q8', '<U99999999', 'f4; os']) expect(parseElementType(descr)).toBeUndefined()
    for (const descr of ['|V8', '<m8', '<M8[D]', '<f16']) expect(parseElementType(descr)?.kind).toBe('unread')
    expect(parseElementType('<V2')).toEqual({ kind: 'bfloat', size: 2, swap: false })
    expect(elements([3, 0, 2 ** 50, 2 ** 50])).toBe(0)
    expect(elements([-1, 3])).toBe(Infinity)
  })
})
