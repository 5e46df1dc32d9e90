import { describe, expect, test } from 'vitest'
import { type NativeModel, native } from '../../lib/native.js'
import { countParameters } from '../../lib/spec/count.js'
import * as ops from '../../lib/spec/ops.js'
import { Tensor } from '../../lib/torch/tensor.js'

const { activation, attention, chain, gru, layerNorm, linear, lstm, memory, named, predictor, residual, sinusoid, tied } = ops

const plain = { dim: 4, output: 'raw', residual: 'none', inputScale: 'none' }
const whole = (trunk: ops.Node, head: ops.Node = chain()) => predictor(plain, trunk, head)
const build = (node: unknown, seed = 1): Promise<NativeModel> => native.model(node as ops.Node, 'float32', 'cpu', seed)
const state = async (node: ops.Node) =>
  Object.fromEntries(native.modelState(await build(node)).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
const square = linear({ in: 4, out: 4 })
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

describe('the names of parameters', () => {
  test('a parameter name joins the names of its nodes by dots and skips unnamed nodes', async () => {
    const trunk = named('core', chain(chain(named('first', square)), named('second', chain(named('norm', layerNorm(4)), square))))
    expect(Object.keys(await state(whole(trunk, named('head', square))))).toEqual([
      'core.first.weight',
      'core.first.bias',
      'core.second.norm.weight',
      'core.second.norm.bias',
      'core.second.weight',
      'core.second.bias',
      'head.weight',
      'head.bias',
    ])
  })
  test('named() prefixes an existing name and does not change the node', () => {
    const node = named('b', square)
    expect(named('a', node).name).toBe('a.b')
    expect([node.name, square.name]).toEqual(['b', undefined])
  })
  test('parameters of recurrent and attention ops have the names of torch.nn', async () => {
    const trunk = chain(
      named('lstm', lstm({ in: 4, width: 4, layers: 2, dropout: 0 })),
      named('gru', gru({ in: 4, width: 4 })),
      named('self_attn', attention({ dim: 4, heads: 2, cross: false, causal: true, dropout: 0 })),
    )
    const cell = (layer: string) => ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((name) => `${name}_${layer}`)
    expect(Object.keys(await state(whole(trunk)))).toEqual([
      ...[...cell('l0'), ...cell('l1')].map((name) => `lstm.${name}`),
      ...cell('l0').map((name) => `gru.${name}`),
      ...['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'].map((name) => `self_attn.${name}`),
    ])
  })
  test('a residual and a memory can be named like a chain', async () => {
    const trunk = named('a', residual(0, named('b', memory(named('c', square)))))
    expect(Object.keys(await state(whole(trunk)))).toEqual(['a.b.c.weight', 'a.b.c.bias'])
  })
})

describe('a name that repeats', () => {
  const twice = chain(named('x', square), named('x', square))
  test('a repeated parameter name is refused unless its node is tied', async () => {
    await expect(build(whole(twice))).rejects.toThrow(code('BAD_SPEC'))
    await expect(build(whole(twice))).rejects.toThrow(/"x.weight" repeats; mark the node as tied/)
    await expect(build(whole(chain(square), square))).rejects.toThrow(code('BAD_SPEC'))
  })
  test('a tied name means the same tensor and is counted once', async () => {
    const shared = whole(chain(named('x', square), activation('relu'), tied(named('x', square))))
    const model = await build(shared)
    expect(native.modelState(model).map(({ name }) => name)).toEqual(['x.weight', 'x.bias'])
    expect(countParameters(shared)).toBe(20)
    const x = Tensor.from([1, 2, 3, 4], [1, 1, 4])
    const got = await native.modelExamine(model, x.native, Tensor.from([1, 0, 0, 0], [1, 4]).native)
    const [w, b] = native.modelState(model).map(({ tensor }) => Tensor.wrap(tensor))
    const h = await (await x.op('aten::linear', w!, b!)).op('aten::relu')
    const y = await h.op('aten::linear', w!, b!)
    const want = (await y.data()) as Float32Array
    const all = (await Tensor.wrap(got.raw_all!).data()) as Float32Array
    expect(all.length).toBe(want.length)
    for (const [i, value] of all.entries()) expect(value).toBeCloseTo(want[i]!, 6)
  })
  test('a tied node ties all nodes inside it', async () => {
    const inner = named('x', chain(named('y', square), named('z', layerNorm(4))))
    const shared = whole(chain(inner, tied(inner)))
    expect(Object.keys(await state(shared))).toEqual(['x.y.weight', 'x.y.bias', 'x.z.weight', 'x.z.bias'])
    expect(countParameters(shared)).toBe(28)
  })
  test('a tied name is refused when the shapes differ', async () => {
    const wide = named('x', linear({ in: 4, out: 8 }))
    await expect(build(whole(chain(named('x', square), tied(wide))))).rejects.toThrow(/"x.weight" repeats with another shape/)
  })
})

describe('a spec that describes no model', () => {
  const attend = (heads: number) => attention({ dim: 4, heads, cross: false, causal: true, dropout: 0 })
  const deep = (n: number): ops.Node => (n === 0 ? square : chain(deep(n - 1)))
  const cyclic = { op: 'chain', params: {}, of: [] as unknown[] }
  cyclic.of.push(cyclic)
  test.each<[string, unknown, RegExp]>([
    ['nothing', null, /expected a node/],
    ['text', 'lstm', /expected a node/],
    ['an op that is none', whole({ ...square, op: 'zap' as ops.OpName }), /known op .* "zap"/],
    ['no predictor at the root', square, /predictor or a textModel at the root .* "linear"/],
    ['a parameter that is missing', whole({ ...square, params: { in: 4 } }), /linear: .*"out"/],
    ['a parameter of another kind', whole({ ...square, params: { ...square.params, bias: 1 } }), /linear: .*"bias"/],
    ['a size of zero', whole(linear({ in: 4, out: 0 })), /linear: .*"out"/],
    ['a negative size', whole(linear({ in: -4, out: 4 })), /linear: .*"in"/],
    ['a size with a fraction', whole(linear({ in: 4.5, out: 4 })), /linear: .*"in"/],
    ['no heads', whole(attend(0)), /attention: .*"heads"/],
    ['heads that do not divide the width', whole(attend(3)), /heads to divide 4 but received 3/],
    ['sine and cosine over an odd width', whole(sinusoid(5, 'pairs')), /even width but received 5/],
    ['an activation that is none', whole(activation('tan' as 'relu')), /"kind" but received "tan"/],
    ['an initialisation that is none', whole(linear({ in: 4, out: 4, init: 'lucky' })), /"init" but received "lucky"/],
    ['a layout that is none', whole(sinusoid(4, 'thirds' as 'pairs')), /"layout".* "thirds"/],
    ['a residual that is none', predictor({ ...plain, residual: 'first' }, square, chain()), /"residual".* "first"/],
    ['an input scale that is none', predictor({ ...plain, inputScale: 'huge' }, square, chain()), /"inputScale".* "huge"/],
    ['an output that is none', predictor({ ...plain, output: 'both' }, square, chain()), /"output".* "both"/],
    ['a predictor without trunk and head', { op: 'predictor', params: plain, of: [] }, /trunk and (a )?head/],
    ['a predictor without a head', { op: 'predictor', params: plain, of: [square] }, /trunk and (a )?head/],
    [
      'a residual memory without its mixture',
      predictor({ ...plain, residual: 'memory' }, square, chain()),
      /and a memory but received 2/,
    ],
    ['a mixture that nothing reads', predictor(plain, square, chain(), chain()), /a head but received 3/],
    [
      'a memory of no means',
      predictor({ ...plain, residual: 'memory' }, square, chain(), ops.memoryMixture({ dim: 4, memories: 0, width: 4 })),
      /"memories"/,
    ],
    ['no list of nodes', { op: 'predictor', params: plain }, /a list of nodes/],
    ['no params', { op: 'predictor', of: [] }, /op, params/],
    ['a node inside itself', cyclic, /nodes inside each other/],
    ['nodes too deep', whole(deep(5000)), /nodes inside each other/],
  ])('a malformed spec is refused: %s', async (_, spec, sentence) => {
    const error = await (async () => build(spec))().catch((e: unknown) => e)
    expect(error).toEqual(code('BAD_SPEC'))
    expect((error as Error).message).toMatch(sentence)
  })
  test('a spec too large for memory is refused with OUT_OF_MEMORY', async () => {
    await expect(build(whole(linear({ in: 2 ** 40, out: 2 ** 15 })))).rejects.toThrow(code('OUT_OF_MEMORY'))
  })
})
