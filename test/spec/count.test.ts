import { describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { jsonHash } from '../../lib/files/hash.js'
import { countParameters } from '../../lib/spec/count.js'
import type { Node } from '../../lib/spec/ops.js'

const SHAPE = { dim: 768, context: 5 }
const spec = (name: string, preset: 'target' | 'prd' | 'checkpoint' | 'tiny', more = {}): Node => {
  const { presets, spec } = findArchitecture(name)
  return spec(SHAPE, { ...presets[preset], ...more }).node
}

describe('the specs of the PRD', () => {
  test.each([
    ['lstm', 5_120_768, 5_120_768, 5_384_448],
    ['gru', 7_095_552, 7_095_552, 7_359_232],
    ['transformer', 17_603_840, 17_603_840, 17_867_520],
    ['distilgpt2', 80_527_872, 43_905_792, 44_496_384],
    ['performer', 101_956_608, 38_972_928, 86_200_320],
    ['linformer', 100_485_632, 28_353_792, 89_746_944],
    ['mlp', 4_720_384, 4_720_384, 4_720_384],
    ['lcm', 1_596_731_136, 1_648_136_960, 1_648_136_960],
  ])('%s has its exact number of parameters', (name, target, prd, checkpoint) => {
    expect(countParameters(spec(name, 'target'))).toBe(target)
    expect(countParameters(spec(name, 'prd'))).toBe(prd)
    expect(countParameters(spec(name, 'checkpoint'))).toBe(checkpoint)
  })
  test.each([
    ['mamba2', 129_202_832, 20_635_456, 91_549_632],
    ['hybrid', 149_569_240, 39_417_536, 2_572_789_088],
    ['rwkv', 170_059_776, 41_751_808, 93_298_176],
  ])('%s has its exact number of parameters in every preset', (name, target, prd, checkpoint) => {
    expect(countParameters(spec(name, 'target'))).toBe(target)
    expect(countParameters(spec(name, 'prd'))).toBe(prd)
    expect(countParameters(spec(name, 'checkpoint'))).toBe(checkpoint)
  })
  test.each([
    ['retnet', 122_785_536, 38_942_464, 87_019_776],
    ['s4', 101_859_072, 4_739_328, 205_317_888],
    ['hyena', 122_897_280, 39_622_656, 111_601_056],
  ])('%s has its exact number of parameters in every preset', (name, target, prd, checkpoint) => {
    expect(countParameters(spec(name, 'target'))).toBe(target)
    expect(countParameters(spec(name, 'prd'))).toBe(prd)
    expect(countParameters(spec(name, 'checkpoint'))).toBe(checkpoint)
  })
  test('gru with norm post has the same number of parameters', () => {
    expect(countParameters(spec('gru', 'target', { norm: 'post' }))).toBe(7_095_552)
  })

  test.each([
    ['lstm', 'a18ff04b9ba71fa7e71ac7b2de69800f095695e823a1de5e8340a8c61ec84e9e'],
    ['gru', '802c4d57f3564422bc4f10da7a9358e4dce53f7a565d6468e2ce732a9f276ea2'],
    ['transformer', '30e26aefad7b29382722fdef3d8f2c52308581d5162655d48fe3783ba663fbda'],
  ])('%s has the spec hash that existing runs store', (name, hash) => {
    expect(jsonHash(spec(name, 'target'))).toBe(hash)
  })
  test.each(architectures.map((a) => [a.name, a] as const))('the spec of %s is plain data and equal each time', (_, a) => {
    const { node, options } = a.spec(SHAPE, a.presets.tiny)
    expect(JSON.parse(JSON.stringify(node))).toEqual(node)
    expect(JSON.stringify(a.spec(SHAPE, options).node)).toBe(JSON.stringify(node))
    expect(Object.keys(options).sort()).toEqual(Object.keys(a.fields).sort())
    expect(Object.isFrozen(options)).toBe(true)
  })
  test.each(architectures.filter((a) => a.target !== null).map((a) => [a.name, a] as const))(
    'the target preset of %s is within two percent of the PRD',
    (_, a) => {
      const count = countParameters(a.spec(SHAPE, a.presets.target).node)
      expect(Math.abs(count / a.target! - 1)).toBeLessThan(0.02)
    },
  )
})
