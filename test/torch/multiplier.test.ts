import { afterEach, expect, test, vi } from 'vitest'

const wrong = new Set<string>()
vi.mock('../../lib/native.js', async (original) => {
  const { native } = await original<typeof import('../../lib/native.js')>()
  const multiplierAgrees = async (kind: 'aten' | 'onednn') => !wrong.has(kind) && (await native.multiplierAgrees(kind))
  return {
    native: new Proxy(native, { get: (of, name) => (name === 'multiplierAgrees' ? multiplierAgrees : Reflect.get(of, name)) }),
  }
})
const { native } = await import('../../lib/native.js')
const { useMultiplier } = await import('../../lib/torch/multiplier.js')
afterEach(() => wrong.clear())

test('the multiplier recorded by a run is used again if its products are correct', async () => {
  expect(await useMultiplier('onednn')).toBeUndefined()
  expect(native.multiplier()).toBe('onednn')
  expect(await useMultiplier('aten')).toBeUndefined()
  expect(native.multiplier()).toBe('aten')
})

test('a recorded multiplier with wrong products is replaced by the other one, with a warning', async () => {
  wrong.add('onednn')
  expect(await useMultiplier('onednn')).toMatch(/products by onednn are not within rounding.*aten is used instead/)
  expect(native.multiplier()).toBe('aten')
})

test('useMultiplier refuses a machine where the products of both libraries are wrong', async () => {
  wrong.add('onednn').add('aten')
  await expect(useMultiplier(undefined)).rejects.toThrow(expect.objectContaining({ code: 'LIBTORCH_MISMATCH' }))
})
