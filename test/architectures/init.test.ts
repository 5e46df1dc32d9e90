import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import type { Architecture } from '../../lib/spec/architecture.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { arrays, type Fixture, fixtureFolder, optionsOf } from './fixtures.js'

printMargin()
/** The real part of S4's eigenvalues is −½; the reference computes it as a mean in float32. */
const EXACT = /\.kernel\.A_real$/

/** Statistics of one initial parameter of the reference, over eight draws. */
interface Drawn {
  shape: number[]
  mean: number
  std: number
  min: number
  max: number
  same_every_draw: boolean
}
type Statistics = Record<string, { config: Fixture['config']; params: Record<string, Drawn> }>

const file = join(fixtureFolder, 'init_stats.json')
const there = existsSync(file) // beside the repository or in LVM_FIXTURES; a clone alone has none
const statistics = there ? (JSON.parse(readFileSync(file, 'utf8')) as Statistics) : {}
const known = architectures.filter(({ name }) => name in statistics)

type Weights = Map<string, { shape: number[]; data: Float64Array }>
async function draw(a: Architecture, dim: number, options: Record<string, unknown>, seed: number | null): Promise<Weights> {
  const { node } = a.spec({ dim, context: 64 }, options)
  const model = await native.model(node, 'float32', 'cpu', seed)
  const weights: Weights = new Map()
  for (const { name, tensor, trainable } of native.modelState(model)) {
    using t = Tensor.wrap(tensor)
    if (trainable) weights.set(name, { shape: t.shape, data: Float64Array.from((await t.data()) as Float32Array) })
  }
  native.dispose(model)
  return weights
}
const moments = (data: Float64Array) => {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length
  const std = Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length)
  return { mean, std, min: Math.min(...data.subarray(0, 50_000)), max: Math.max(...data.subarray(0, 50_000)) }
}
const tiny = (a: Architecture, seed: number | null) => draw(a, 24, a.presets.tiny, seed)
/** Initial weights that are not random: RWKV's by layer and channel, the matrices of S4, Hyena's position features. */
const COMPUTED = /\.time_(decay|first|mix_[kvr])$|\.kernel\.(A_imag|B|P)$|\.pos_emb\.z$/
const drawn = (name: string, data: Float64Array) => new Set(data).size > 1 && !COMPUTED.test(name)

test.runIf(there)('the reference statistics cover at least one architecture', () => expect(known.length).toBeGreaterThan(0))

describe.each(known.map((a) => [a.name, a] as const))('the first weights of %s', (name, a) => {
  const { config, params } = statistics[name]!
  const options = optionsOf({ config } as Fixture, Object.keys(a.fields))

  test.each([1, 20_251_012, 2 ** 40 + 7])('initial weights have the distribution of the reference with seed %d', async (seed) => {
    const weights = await draw(a, Number(config.vec_dim), options, seed)
    expect([...weights.keys()].sort()).toEqual(Object.keys(params).sort())
    for (const [key, want] of Object.entries(params)) {
      const { shape, data } = weights.get(key)!
      expect(shape, key).toEqual(want.shape)
      const got = moments(data)
      if (want.same_every_draw) {
        got.std *= Math.sqrt((8 * data.length) / (8 * data.length - 1)) // the reference estimates from all eight draws
        for (const figure of ['mean', 'std', 'min', 'max'] as const)
          expectRounding(
            Math.abs(got[figure] - want[figure]),
            EXACT.test(key) ? Math.abs(want.mean - Math.log(0.5)) : 0, // error of the reference
            `${key} ${figure}`,
            Math.max(1, Math.abs(want.max), Math.abs(want.min)),
          )
        if (want.std !== 0) continue
        // a logarithm differs in its last digits between processors
        if (EXACT.test(key)) expect(new Set(data).size, key).toBe(1)
        else expect(new Set(data), key).toEqual(new Set([want.mean]))
        continue
      }
      const n = data.length
      expect(Math.abs(got.std / want.std - 1), `${key} std`).toBeLessThan(n > 1000 ? 0.05 : 0.05 + 4 / Math.sqrt(2 * n))
      expect(Math.abs(got.mean - want.mean), `${key} mean`).toBeLessThan((6 * want.std) / Math.sqrt(n))
      expect(got.max, `${key} max`).toBeLessThan(want.max + 0.4 * Math.abs(want.max))
      expect(got.min, `${key} min`).toBeGreaterThan(want.min - 0.4 * Math.abs(want.min))
    }
  })
})

describe.each(architectures.map((a) => [a.name, a] as const))('the seed of %s', (_, a) => {
  test('the seed alone decides every initial weight', async () => {
    const first = await tiny(a, 7)
    await Tensor.from([1]).op('aten::rand_like') // uses libtorch's global generator
    native.setThreads(1)
    const again = await tiny(a, 7)
    expect(again).toEqual(first)
  })
  test('another seed changes every random weight', async () => {
    const [one, two] = [await tiny(a, 7), await tiny(a, 8)]
    for (const [name, { data }] of one) {
      if (drawn(name, data)) expect(two.get(name)!.data, name).not.toEqual(data)
      else expect(two.get(name)!.data, name).toEqual(data)
    }
    const random = [...one].filter(([name, { data }]) => drawn(name, data))
    expect(random.length).toBeGreaterThan(0)
  })
  test('no two random tensors are equal', async () => {
    const random = [...(await tiny(a, 7))].filter(([name, { data }]) => drawn(name, data))
    const heads = random.map(([, { data }]) => data.slice(0, 4).join())
    expect(new Set(heads).size).toBe(heads.length)
  })
  test('seed null leaves all weights zero, for weights that are loaded next', async () => {
    for (const [name, { data }] of await tiny(a, null)) expect(new Set(data), name).toEqual(new Set([0]))
  })
})

test.runIf(there)("RWKV's initial weights by layer and channel equal the reference", async () => {
  const rwkv = architectures.find(({ name }) => name === 'rwkv')!
  const weights = await draw(rwkv, 24, { width: 64, layers: 3 }, 1)
  const exact = [...arrays('init_exact')].filter(([name]) => name.startsWith('rwkv_d64_l3/'))
  expect(exact).toHaveLength(21)
  for (const [name, { shape, data }] of exact) {
    const got = weights.get(name.replace('rwkv_d64_l3/', 'core.'))!
    expect(got.shape, name).toEqual(shape)
    for (const [i, want] of data.entries())
      expectRounding(Math.abs(got.data[i]! - want), 0, `${name} ${i}`, name.endsWith('time_decay') ? 8 : 1) // −5 + 8 xᵖ
  }
})

test('the layers of a transformer start with different weights', async () => {
  const weights = await tiny(architectures.find(({ name }) => name === 'transformer')!, 3)
  const layer = (l: number, name: string) => weights.get(`core.transformer_decoder.layers.${l}.${name}`)!.data
  for (const name of ['self_attn.in_proj_weight', 'multihead_attn.out_proj.weight', 'linear1.weight', 'linear2.bias']) {
    expect(layer(1, name)).not.toEqual(layer(0, name))
  }
})

test.each(['last', 'mean', 'decay', 'memory'])(
  'with residual %s the head starts at zero, so that the model predicts the vector of its residual',
  async (residual) => {
    for (const a of architectures) {
      const weights = await draw(a, 24, { ...a.presets.tiny, residual, head: 'mlp' }, 5)
      expect(new Set(weights.get('residual.weight')!.data)).toEqual(new Set([residual === 'memory' ? Math.fround(1 / 6) : 1]))
      for (const part of ['weight', 'bias']) expect(new Set(weights.get(`head.3.${part}`)!.data)).toEqual(new Set([0]))
      expect(new Set(weights.get('head.0.weight')!.data).size).toBeGreaterThan(1)
    }
  },
)
