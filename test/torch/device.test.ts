import { afterEach, describe, expect, test } from 'vitest'
import { limits, usableThreads } from '../../lib/libtorch/machine.js'
import { native } from '../../lib/native.js'
import { devices, resolveDevice, useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'

const here = devices()
const thrown = (make: () => unknown): unknown => {
  try {
    make()
  } catch (error) {
    return error
  }
  return undefined
}

describe('resolveDevice', () => {
  test('cpu is always there, and is told first', () => {
    expect(here[0]).toEqual({ name: 'cpu', type: 'cpu', memory: null })
    expect(resolveDevice('cpu')).toBe('cpu')
  })
  test('auto is the best there is, and computes', async () => {
    const name = resolveDevice('auto')
    expect(here.map((device) => device.name)).toContain(name)
    expect(name === 'cpu').toBe(here.length === 1)
    using t = await Tensor.from([1, 2]).to({ device: name })
    expect(await (await t.op('aten::sum')).item()).toBe(3)
  })
  const absent = ['cuda', 'cuda:0', 'mps'].filter((name) => here.every((d) => d.name !== name && d.name !== `${name}:0`))
  test.each([...absent, 'cuda:99'])('%s that is not there is an error, and never another device', (name) => {
    const error = thrown(() => resolveDevice(name))
    expect(error).toMatchObject({ code: 'DEVICE_UNAVAILABLE', exit: 5, hint: expect.stringContaining('"device" auto') })
    expect(error).toHaveProperty('message', expect.stringMatching(/^device: expected one of cpu.* but received "/))
  })
  test.each(['', 'gpu', 'CPU', 'cpu:0', 'cuda:', 'cuda:x', 'cuda:-1', 'cuda 0', 'mps:0', 'cpu\n', 'meta', '__proto__'])(
    '%j is no device',
    (name) => {
      expect(thrown(() => resolveDevice(name))).toMatchObject({ code: 'BAD_OPTION', exit: 2 })
    },
  )
})

describe('useThreads', () => {
  afterEach(() => void useThreads(undefined))
  test('sets what is asked for, or all that this process may use', () => {
    expect(useThreads(1)).toBe(1)
    expect(native.threads()).toBe(1)
    expect(useThreads(3)).toBe(3)
    expect(useThreads(undefined)).toBe(usableThreads(limits()))
  })
  test('the threads compute the same', async () => {
    const data = Float32Array.from({ length: 300 * 300 }, (_, i) => Math.sin(i))
    const norms = []
    for (const n of [1, 2, 4]) {
      useThreads(n)
      using x = Tensor.from(data, [300, 300])
      using y = await x.op('aten::mm', x)
      norms.push(await (await y.op('aten::norm')).item())
    }
    for (const norm of norms) expect(norm / norms[0]!).toBeCloseTo(1, 5)
  })
  test.each([0, -1, 1.5, NaN, Infinity, 1e9])('%d threads are refused', (n) => {
    const before = native.threads()
    expect(thrown(() => useThreads(n))).toMatchObject({ code: 'BAD_ARGUMENT' })
    expect(native.threads()).toBe(before)
  })
})
