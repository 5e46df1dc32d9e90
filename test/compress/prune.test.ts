import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { load } from '../../lib/checkpoint/load-model.js'
import { prune } from '../../lib/compress/prune.js'
import { unitGroups } from '../../lib/compress/prune-units.js'
import { threshold } from '../../lib/compress/saliency.js'
import { exportRun } from '../../lib/export/export.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { train } from '../../lib/train/train.js'

const SAMPLE = 'data/sample/factbook'
const out = mkdtempSync(join(tmpdir(), 'lvm-torch-prune-'))
const run = join(out, 'run')
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const fast = { latency: 0.02, threads: 1, device: 'cpu' }

beforeAll(async () => {
  const options = { model: 'transformer', data: SAMPLE, epochs: 1, maxSteps: 10, name: 'run', out, threads: 1 } as const
  for await (const _ of train({ ...options, width: 32, layers: 2, heads: 4, ffn: 64, maxWindows: 600 })) {
  }
}, 60_000)
afterAll(() => rmSync(out, { recursive: true, force: true }))

const zeroShare = async (folder: string) => {
  using model = await load(folder, { threads: 1 })
  let [zeros, all] = [0, 0]
  for (const { tensor, layout } of native.modelState(model.native)) {
    if (layout === undefined) continue
    const data = (await Tensor.wrap(tensor).data()) as Float32Array
    zeros += data.filter((v) => v === 0).length
    all += data.length
  }
  return zeros / all
}

describe('pruning', () => {
  test('prune removes neurons from every layer, and the model becomes smaller', async () => {
    const made = await prune({ run, sparsity: 0.25, structured: 'neurons', finetune: 1, maxDrop: 0.5, name: 'neurons', ...fast })
    using model = await load(join(out, 'neurons'), { threads: 1 })
    expect(model.manifest.options.model).toMatchObject({ ffn: 48 })
    expect(made.parameters.parent - made.parameters.result).toBe(2 * 16 * (32 + 1 + 32))
    expect(made.size.weights_bytes).toBeLessThan(made.size.parent_weights_bytes)
    expect(made.pruning.removed).toEqual(
      [0, 1].map((i) => ({ at: expect.stringContaining(`layers.${i}.linear2`), units: 64, left: 48 })),
    )
    expect(model.manifest.pruned).toEqual(made.pruning)
    expect((await exportRun({ run: join(out, 'neurons') })).compared!.share).toBeLessThanOrEqual(1)
  }, 60_000)
  test('prune removes whole attention heads', async () => {
    const made = await prune({
      run,
      sparsity: 0.25,
      structured: 'heads',
      saliency: 'first-order',
      maxDrop: 0.5,
      name: 'heads',
      ...fast,
    })
    using model = await load(join(out, 'heads'), { threads: 1 })
    expect(model.manifest.options.model).toMatchObject({ heads: 3, headDim: 8 })
    expect(made.pruning.removed).toHaveLength(4)
    expect((await exportRun({ run: join(out, 'heads') })).compared!.share).toBeLessThanOrEqual(1)
  }, 60_000)
  test('prune with sparsity 0 changes no weight', async () => {
    for (const structured of ['heads', 'neurons', 'none'] as const) {
      const made = await prune({ run, sparsity: 0, structured, maxDrop: 0, name: `same-${structured}`, ...fast })
      expect(made.gate.cosine.drop).toBe(0)
      expect(made.parameters.result).toBe(made.parameters.parent)
    }
  }, 60_000)
  test('prune sets single weights to zero, and they stay zero during fine-tuning', async () => {
    const made = await prune({ run, sparsity: 0.5, finetune: 1, maxDrop: 0.5, name: 'zeros', ...fast })
    expect(made.pruning.zeros).toBeCloseTo(0.5, 2)
    expect(await zeroShare(join(out, 'zeros'))).toBeCloseTo(made.pruning.zeros, 4)
    expect(made.size.weights_bytes).toBe(made.size.parent_weights_bytes)
    expect(made.size.compressed_bytes).toBeLessThan(0.75 * made.size.parent_compressed_bytes)
    expect(made.notes[0]).toMatch(/only a compressed file is smaller/)
  }, 60_000)
  test('prune publishes nothing when the loss is above the limit, and leaves no files', async () => {
    const before = readdirSync(out).sort()
    const lossy = { sparsity: 0.95, structured: 'neurons', maxDrop: 0, name: 'lossy', ...fast } as const
    await expect(prune({ run, ...lossy })).rejects.toThrow(code('GATE_FAILED'))
    expect(readdirSync(out).sort()).toEqual(before)
  }, 60_000)
  test('prune leaves no files when it is stopped during fine-tuning', async () => {
    const before = readdirSync(out).sort()
    const stop = new AbortController()
    const say = (line: string) => line.includes('epoch') && stop.abort(new Error('enough'))
    const long = { sparsity: 0.1, finetune: 1000, name: 'stopped', ...fast, say }
    await expect(prune({ run, ...long }, { signal: stop.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
      cause: new Error('enough'),
    })
    expect(readdirSync(out).sort()).toEqual(before)
  }, 60_000)
  test('prune refuses sparsity 1, the name of the run itself and unknown units', async () => {
    await expect(prune({ run, sparsity: 1, name: 'x', ...fast })).rejects.toThrow(code('BAD_OPTION'))
    await expect(prune({ run, name: 'run', ...fast })).rejects.toThrow(code('BAD_OPTION'))
    await expect(prune({ run, structured: 'layers' as 'heads', name: 'x', ...fast })).rejects.toThrow(code('BAD_OPTION'))
  })
})

describe('units', () => {
  const groups = (name: string, kind: 'heads' | 'neurons') => {
    const { presets, spec } = architectures.find((a) => a.name === name)!
    return unitGroups(name, spec({ dim: 16, context: 4 }, presets.tiny).node, kind)
  }
  test.each(['transformer', 'distilgpt2', 'performer', 'linformer', 's4', 'hyena', 'retnet', 'rwkv', 'lcm'])(
    'the neurons of %s are found in every layer, along tensor axes of the right length',
    async (name) => {
      const { presets, spec } = architectures.find((a) => a.name === name)!
      const model = await native.model(spec({ dim: 16, context: 4 }, presets.tiny).node, 'float32', 'cpu', 1)
      const shapes = new Map(native.modelState(model).map(({ name: of, tensor }) => [of, native.tensorShape(tensor)]))
      const found = groups(name, 'neurons')
      expect(found).toHaveLength(name === 's4' ? 1 : 2)
      for (const { units, sides } of found)
        for (const { tensor, axis, parts } of sides) expect(shapes.get(tensor)![axis]).toBe(units * parts)
    },
  )
  test.each(['transformer', 'distilgpt2', 'performer', 'linformer', 'hybrid', 'lcm'])(
    'the attention heads of %s are found',
    async (name) => {
      const { presets, spec } = architectures.find((a) => a.name === name)!
      const model = await native.model(spec({ dim: 16, context: 4 }, presets.tiny).node, 'float32', 'cpu', 1)
      const shapes = new Map(native.modelState(model).map(({ name: of, tensor }) => [of, native.tensorShape(tensor)]))
      for (const { units, sides } of groups(name, 'heads'))
        for (const { tensor, axis, parts } of sides) expect(shapes.get(tensor)![axis]! % (units * parts)).toBe(0)
    },
  )
  test('recurrent models have no removable units', () => {
    expect(() => groups('lstm', 'heads')).toThrow(code('BAD_OPTION'))
    expect(() => groups('gru', 'neurons')).toThrow(code('BAD_OPTION'))
  })
  test('the threshold separates the requested share of weights', async () => {
    using a = Tensor.from(Float32Array.from({ length: 1000 }, (_, i) => i / 1000))
    expect(await threshold([a], 0.3)).toBeCloseTo(0.3, 2)
    expect(await threshold([a], 0)).toBeLessThan(0)
  })
})
