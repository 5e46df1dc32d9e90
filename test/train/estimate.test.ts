import { describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { activations } from '../../lib/spec/activations.js'
import { estimate } from '../../lib/train/estimate.js'
import { plan } from '../../lib/train/recipe.js'

const SIZES = { dim: 768, dataBytes: 0 }
const needed = (model: string, given: Record<string, unknown> = {}) => {
  const { architecture, train, model: options } = plan(model, { data: 'x.npy', ...given })
  return estimate(train, architecture.spec({ dim: 768, context: train.context }, options).node, SIZES)
}

describe.each(architectures.map((a) => [a.name, a] as const))('what a context of %s leaves behind', (_, a) => {
  const of = (time: number) => activations(a.spec({ dim: 768, context: time }, a.presets.target).node, time, 768)
  test('ends in vectors as wide as the data', () => expect(of(5).width).toBe(768))
  test('grows with time, by inputs alone more slowly', () => {
    expect(of(64).kept).toBeGreaterThan(of(5).kept)
    expect(of(4096).inputs).toBeLessThanOrEqual(of(4096).kept)
  })
})

test('contexts of thousands are computed again, short ones kept', () => {
  expect(needed('transformer').recompute).toBe(false)
  expect(needed('transformer', { context: 4096, batchSize: 8 }).recompute).toBe(true)
  expect(needed('transformer', { context: 4096, batchSize: 8, recompute: 'off' }).recompute).toBe(false)
  expect(needed('transformer', { recompute: 'on' }).recompute).toBe(true)
})
test('weights in bf16 take half the memory and half the disk', () => {
  const [wide, half] = [needed('distilgpt2'), needed('distilgpt2', { weights: 'bf16' })]
  expect(half.memory_bytes).toBeLessThan(0.75 * wide.memory_bytes)
  expect(half.disk_bytes).toBeLessThan(0.6 * wide.disk_bytes)
})
test('options that contradict each other are refused', () => {
  const refused = (model: string, given: Record<string, unknown>) => () => plan(model, { data: 'x.npy', ...given })
  expect(refused('lstm', { weights: 'bf16', ema: 0.9 })).toThrow(/0 with "weights" bf16/)
  expect(refused('lstm', { weights: 'bf16', precision: 'bf16' })).toThrow(/"weights" bf16/)
  for (const { name, causal } of architectures)
    if (!causal) expect(refused(name, { objective: 'sequence' })).toThrow(/sees the whole context/)
  expect(findArchitecture('lstm').causal).toBe(true)
})
