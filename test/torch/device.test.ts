import { afterEach, describe, expect, test, vi } from 'vitest'
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
  test('devices() always lists the CPU first', () => {
    expect(here[0]).toEqual({ name: 'cpu', type: 'cpu', memory: null })
    expect(resolveDevice('cpu')).toBe('cpu')
  })
  test('resolveDevice picks an accelerator for auto where there is one, and it computes', async () => {
    const name = resolveDevice('auto')
    expect(here.map((device) => device.name)).toContain(name)
    expect(name === 'cpu').toBe(here.length === 1)
    using t = await Tensor.from([1, 2]).to({ device: name })
    expect(await (await t.op('aten::sum')).item()).toBe(3)
  })
  const absent = ['cuda', 'cuda:0', 'mps'].filter((name) => here.every((d) => d.name !== name && d.name !== `${name}:0`))
  test.each([...absent, 'cuda:99'])('resolveDevice refuses the missing device %s and never returns another', (name) => {
    const error = thrown(() => resolveDevice(name))
    expect(error).toMatchObject({ code: 'DEVICE_UNAVAILABLE', exit: 5, hint: expect.stringContaining('"device" auto') })
    expect(error).toHaveProperty('message', expect.stringMatching(/^device: expected one of cpu.* but received "/))
  })
  test.each(['', 'gpu', 'CPU', 'cpu:0', 'cuda:', 'cuda:x', 'cuda:-1', 'cuda 0', 'mps:0', 'cpu\n', 'meta', '__proto__'])(
    'resolveDevice refuses %j, which is not the name of a device',
    (name) => {
      expect(thrown(() => resolveDevice(name))).toMatchObject({ code: 'BAD_OPTION', exit: 2 })
    },
  )
})

describe('useThreads', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    useThreads(undefined)
  })
  test('useThreads sets the requested number of threads, or all usable ones', () => {
    vi.stubEnv('OMP_NUM_THREADS', undefined)
    expect(useThreads(1)).toBe(1)
    expect(native.threads()).toBe(1)
    expect(useThreads(3)).toBe(3)
    expect(useThreads(undefined)).toBe(usableThreads(limits()))
  })
  test('a product is equal with one and with several threads', async () => {
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
  test.each([0, -1, 1.5, NaN, Infinity, 1e9])('useThreads refuses %d threads', (n) => {
    const before = native.threads()
    expect(thrown(() => useThreads(n))).toMatchObject({ code: 'BAD_ARGUMENT' })
    expect(native.threads()).toBe(before)
  })
})
