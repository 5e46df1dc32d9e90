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

test('the multiplier that a run recorded is used again where its products are right', async () => {
  expect(await useMultiplier('onednn')).toBeUndefined()
  expect(native.multiplier()).toBe('onednn')
  expect(await useMultiplier('aten')).toBeUndefined()
  expect(native.multiplier()).toBe('aten')
})

test('a multiplier whose products are wrong here is replaced by the other, and said so, though a run recorded it', async () => {
  wrong.add('onednn')
  expect(await useMultiplier('onednn')).toMatch(/products by onednn are not within rounding.*aten is used instead/)
  expect(native.multiplier()).toBe('aten')
})

test('a machine on which no library multiplies right is refused', async () => {
  wrong.add('onednn').add('aten')
  await expect(useMultiplier(undefined)).rejects.toThrow(expect.objectContaining({ code: 'LIBTORCH_MISMATCH' }))
})
