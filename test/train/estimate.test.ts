import { statSync, truncateSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { heldBytes } from '../../lib/data/held-bytes.js'
import { freeMemory } from '../../lib/libtorch/memory.js'
import { activations } from '../../lib/spec/activations.js'
import { estimate, requireDataMemory, requireMemory, requireRoom } from '../../lib/train/estimate.js'
import { plan } from '../../lib/train/recipe.js'
import { bytesOf, npy, scratch } from '../files/fixture.js'
import { zip } from '../libtorch/fake.js'

const SIZES = { dim: 768, dataBytes: 0 }
const needed = (model: string, given: Record<string, unknown> = {}) => {
  const { architecture, train, model: options } = plan(model, { data: 'x.npy', ...given })
  return estimate(train, architecture.spec({ dim: 768, context: train.context }, options).node, {
    ...SIZES,
    context: train.context,
  })
}

describe.each(architectures.map((a) => [a.name, a] as const))('stored activations of %s', (_, a) => {
  const of = (time: number) => activations(a.spec({ dim: 768, context: time }, a.presets.target).node, time, 768)
  test('activations end in vectors of the dimension of the data', () => expect(of(5).width).toBe(768))
  test('activations grow with the context length, and stored inputs grow more slowly', () => {
    expect(of(64).kept).toBeGreaterThan(of(5).kept)
    expect(of(4096).inputs).toBeLessThanOrEqual(of(4096).kept)
  })
})

test('activations are recomputed for contexts of thousands of vectors and stored for short ones', () => {
  expect(needed('transformer').recompute).toBe(false)
  expect(needed('transformer', { context: 4096, batchSize: 8 }).recompute).toBe(true)
  expect(needed('transformer', { context: 4096, batchSize: 8, recompute: 'off' }).recompute).toBe(false)
  expect(needed('transformer', { recompute: 'on' }).recompute).toBe(true)
})
test('a history takes the memory of --batch-vectors, or of one longer context, for both objectives', () => {
  const { architecture, train, model: options } = plan('gru', { data: 'x.npy', history: 'article' })
  const of = (context: number, o: object) =>
    estimate({ ...train, recompute: 'off', ...o }, architecture.spec({ dim: 768, context }, options).node, {
      ...SIZES,
      context,
    }).memory_bytes
  const kernels = 600e6 // of products of many shapes
  const fixed = (context: number, batchSize: number) => of(context, { history: undefined, batchSize }) + kernels
  expect(of(128, { objective: 'last', batchSize: 32 })).toBe(fixed(128, 32))
  expect(of(128, { objective: 'last', batchSize: 64 })).toBe(fixed(128, 32))
  expect(of(128, { objective: 'last', batchSize: 8 })).toBe(fixed(128, 8))
  expect(of(16_384, { objective: 'last' })).toBe(fixed(16_384, 1))
  expect(of(128, { objective: 'sequence', batchSize: 8 })).toBe(fixed(128, 32))
  expect(of(16_384, { objective: 'sequence' })).toBe(fixed(4096, 1))
})
test('a contrastive loss takes the memory of its negatives, and of the logits of a batch', () => {
  const of = (given: Record<string, unknown>) => needed('lstm', { loss: 'contrastive', ...given }).memory_bytes
  const none = needed('lstm').memory_bytes
  expect(of({}) - none).toBeGreaterThan(4 * 768 * 4096)
  expect(of({ negatives: 200_000 }) - of({ negatives: 100_000 })).toBeGreaterThan(4 * 768 * 100_000)
  expect(of({ negatives: 200_000 }) - of({ negatives: 100_000 })).toBeLessThan(4 * 4 * 768 * 100_000)
  expect(of({ objective: 'sequence', context: 64 }) - of({ context: 64 })).toBeGreaterThan(4 * 256 * 4096)
  expect(needed('lstm', { loss: 'mse+contrastive' }).memory_bytes).toBe(of({}))
})
test('bf16 weights take half the memory and half the disk', () => {
  const [wide, half] = [needed('distilgpt2'), needed('distilgpt2', { weights: 'bf16' })]
  expect(half.memory_bytes).toBeLessThan(0.75 * wide.memory_bytes)
  expect(half.disk_bytes).toBeLessThan(0.6 * wide.disk_bytes)
})
test('a training does not count open data twice, is refused with figures without enough memory, and warns when memory is tight', async () => {
  const folder = process.cwd()
  const free = freeMemory()
  const room = (memory_bytes: number, dataBytes: number) =>
    requireRoom(folder, { memory_bytes, disk_bytes: 0 }, { device: 'cpu', dataBytes })
  expect(await room(0.5 * free, 0)).toBeUndefined()
  expect(await room(1.5 * free, free)).toBeUndefined() // the data is open already, so free memory excludes it
  expect(requireMemory('this', 81, 100, '')).toMatch(/^memory is tight: this may take .* of .* free$/)
  expect(requireMemory('this', 80, 100, '')).toBeUndefined()
  await expect(room(1.5 * free, 0)).rejects.toMatchObject({
    code: 'OUT_OF_MEMORY',
    exit: 6,
    message: expect.stringMatching(/expected \d.* GB/),
  })
  expect(() => requireDataMemory(2 * free)).toThrow(/of free memory for the data but .* GB are free$/)
})
test('the memory of data counts all contexts of sequences and both parts that are read, but no memory-mapped file', async () => {
  const numbers = (count: number) => bytesOf(new Float32Array(count).fill(1))
  const plain = scratch('plain.npy', npy('<f4', [10, 4], numbers(40)))
  const double = scratch('double.npy', npy('<f8', [10, 4], bytesOf(new Float64Array(40).fill(1))))
  expect(await heldBytes(plain, { normalize: false })).toBe(160)
  expect(await heldBytes(plain, { normalize: true })).toBe(320)
  const large = scratch('large.npy', npy('<f4', [1 << 20, 16], new Uint8Array(0)))
  truncateSync(large, statSync(large).size + (64 << 20)) // memory-mapped, and sparse on disk
  expect(await heldBytes(large, { normalize: false })).toBe(0)
  expect(await heldBytes(large, { normalize: true })).toBe(64 << 20)
  expect(await heldBytes(double, { normalize: false })).toBe(320 + 160)
  const half = (part: string, rows: number) => ({
    [`${part}_context_sequences.npy`]: npy('<f4', [rows, 5, 4], numbers(20 * rows)),
    [`${part}_target_vectors.npy`]: npy('<f4', [rows, 4], numbers(4 * rows)),
  })
  const both = scratch('both.npz', zip({ ...half('train', 8), ...half('val', 2) }))
  const [one, two] = [await heldBytes(both, { normalize: true }), await heldBytes(both, { normalize: true, both: true })]
  expect(one).toBeGreaterThanOrEqual(4 * 8 * 6 * 4)
  expect(two / one).toBe(10 / 8)
})
test('train refuses options that contradict each other', () => {
  const refused = (model: string, given: Record<string, unknown>) => () => plan(model, { data: 'x.npy', ...given })
  expect(refused('lstm', { weights: 'bf16', ema: 0.9 })).toThrow(/0 with "weights" bf16/)
  expect(refused('lstm', { weights: 'bf16', precision: 'bf16' })).toThrow(/"weights" bf16/)
  for (const { name, causal } of architectures)
    if (!causal) expect(refused(name, { objective: 'sequence' })).toThrow(/is not causal/)
  expect(findArchitecture('lstm').causal).toBe(true)
})
