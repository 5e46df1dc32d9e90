import { describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import type { Architecture } from '../../lib/spec/architecture.js'
import { PRESETS } from '../../lib/spec/architecture.js'
import { countParameters } from '../../lib/spec/count.js'
import type { Node } from '../../lib/spec/ops.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { fitting } from './tiny.js'

/** Presets with more parameters are not built here. */
const MOST_BUILT = 20e6

/** Counts the trainable parameters of a model built by the addon. */
async function built(node: Node): Promise<number> {
  const model = await native.model(node, 'float32', 'cpu', null)
  const sizes = native.modelState(model).map(({ tensor, trainable }) => {
    using t = Tensor.wrap(tensor)
    return trainable ? t.shape.reduce((a, b) => a * b, 1) : 0
  })
  native.dispose(model)
  return sizes.reduce((a, b) => a + b, 0)
}

/** All values of all choices and flags, one at a time, and all wrapper options together. */
function variants({ fields, presets: { tiny } }: Architecture, dim: number): Record<string, unknown>[] {
  const each = Object.entries(fields).flatMap(([name, { kind, choices }]) =>
    (kind === 'flag' ? [true, false] : (choices ?? [])).map((value) => ({
      ...tiny,
      [name]: value,
      ...fitting(name, value, dim),
    })),
  )
  return [...each, { ...tiny, head: 'mlp', residual: 'last', inputScale: 'standardize', output: 'unit' }]
}

describe.each(architectures.map((a) => [a.name, a] as const))('the count of %s without building it', (_, a) => {
  test.each(PRESETS)('countParameters equals the built model for the preset %s', async (preset) => {
    const { node } = a.spec({ dim: 768, context: 5 }, a.presets[preset])
    if (countParameters(node) <= MOST_BUILT) expect(await built(node)).toBe(countParameters(node))
  })
  test('countParameters equals the built model for every option', async () => {
    for (const options of variants(a, 24)) {
      const { node } = a.spec({ dim: 24, context: 7 }, options)
      expect({ options, count: await built(node) }).toEqual({ options, count: countParameters(node) })
    }
  })
  test('countParameters equals the built model for odd sizes', async () => {
    for (const dim of [1, 7, 100]) {
      const { node } = a.spec({ dim, context: 1 }, a.presets.tiny)
      expect({ dim, count: await built(node) }).toEqual({ dim, count: countParameters(node) })
    }
  })
})

describe.each(architectures.map((a) => [a.name, a] as const))('%s refuses', (name, a) => {
  const spec = (options: Record<string, unknown>, dim = 8) => a.spec({ dim, context: 5 }, { ...a.presets.tiny, ...options })
  test.each([0, -1, 1.5, NaN, Infinity])('a model refuses vectors of %d dimensions', (dim) => {
    expect(() => spec({}, dim)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })
  test('a model refuses an unknown option and lists its own', () => {
    expect(() => spec({ widht: 3 })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    expect(() => spec({ widht: 3 })).toThrow(
      new RegExp(`^${name}: expected a known option \\(.*head.*\\) for "widht" but received 3`),
    )
  })
  test('a model refuses a value outside the range of its option', () => {
    for (const [key, { kind, choices }] of Object.entries(a.fields)) {
      const wrong = choices ? ['', 'nonsense', null, 1] : kind === 'flag' ? ['yes', 1] : [NaN, -1e9, Infinity, '4', null, {}]
      for (const value of wrong) {
        if (kind === 'text') continue
        expect(() => spec({ [key]: value }), `${key} ${String(value)}`).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
      }
    }
  })
})

test('models refuse heads that do not divide the width, and odd widths', () => {
  const { spec } = architectures.find(({ name }) => name === 'transformer')!
  const make = (options: Record<string, unknown>) => () => spec({ dim: 8, context: 5 }, options)
  expect(make({ width: 30, heads: 4 })).toThrow(expect.objectContaining({ code: 'BAD_SPEC' }))
  expect(make({ width: 30, heads: 4 })).toThrow('transformer: expected a width that is a multiple of heads but received width 30')
  expect(make({ width: 15, heads: 5 })).toThrow('transformer: expected an even width')
})

test('names, rows and folders of architectures are unique', () => {
  for (const key of ['name', 'row', 'folder', 'title'] as const) {
    const values = architectures.map((a) => a[key]).filter((value) => value !== null)
    expect(new Set(values).size).toBe(values.length)
  }
})
