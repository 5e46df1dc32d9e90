import { describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { build, contexts, DIM, predict } from './tiny.js'

/** Contexts that a model refuses, and the option that the error names. */
const refusals = [
  ['distilgpt2', { positions: 16 }, 16, 17, 'predict: expected at most 16 positions', '"positions" 17'],
  ['hyena', { positions: 16 }, 16, 17, 'predict: expected at most 16 positions', '"positions" 17'],
  ['linformer', { positions: 16 }, 16, 17, 'predict: expected at most 16 positions', '"positions" 17'],
  ['mlp', {}, 5, 7, 'predict: expected contexts of 5', '"context" 7'],
  ['mlp', {}, 5, 1, 'predict: expected contexts of 5', '"context" 1'],
] as const

describe.each(refusals)('%s with %j', (name, options, context, time, sentence, fix) => {
  const a = findArchitecture(name)
  const model = build(a, { ...a.presets.tiny, ...options }, { context })
  test(`${name} reads contexts of ${context}, and refuses those of ${time} with the option that allows them`, async () => {
    expect((await predict(await model, contexts(1, context), 1)).length).toBe(DIM)
    const error = await predict(await model, contexts(1, time), 1).catch((e: unknown) => e as Error)
    expect(error).toEqual(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    expect((error as Error).message).toContain(sentence)
    expect((error as Error).message).toContain(fix)
  })
})

test.each(['distilgpt2', 'linformer'])('%s learns as many positions as its option says, or as its data needs', (name) => {
  const { spec, presets } = findArchitecture(name)
  const rows = (context: number, options = {}) => {
    const text = JSON.stringify(spec({ dim: DIM, context }, { ...presets.tiny, ...options }).node)
    return Number(/"op":"positions","params":\{"rows":(\d+)/.exec(text)![1])
  }
  expect(rows(5)).toBe(name === 'distilgpt2' ? 1024 : 64)
  expect(rows(2000)).toBe(2000)
  expect(rows(5, { positions: 7 })).toBe(7)
  expect(() => rows(8, { positions: 7 })).toThrow(`${name}: expected at least 8 positions, one for each of the context, but`)
})

test.each(architectures.filter((a) => !a.causal).map((a) => [a.name, a] as const))(
  'a stepper is refused for %s, whose positions see the whole context',
  async (_, a) => {
    const stepper = native.stepper(await build(a, a.presets.tiny, { context: 5 }), 1)
    const step = native.stepperStep(stepper, Tensor.from(contexts(1, 1), [1, DIM]).native)
    await expect(step).rejects.toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  },
)

test('distilgpt2 without input projection has the width of the vectors', () => {
  const { spec, presets } = findArchitecture('distilgpt2')
  const make = (width: number) => spec({ dim: DIM, context: 5 }, { ...presets.tiny, width, inProj: false }).node
  expect(JSON.stringify(make(DIM))).not.toContain('in_proj')
  expect(() => make(16)).toThrow('distilgpt2: expected a width of 12, as the vectors have, without inProj but received 16')
})
