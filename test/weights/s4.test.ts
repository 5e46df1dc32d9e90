import { expect, it } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { Tensor } from '../../lib/index.js'
import { asOurs } from '../../lib/weights/as-ours.js'
import type { WeightsFile } from '../../lib/weights/open-weights.js'
import { trueC } from '../../lib/weights/s4-weights.js'
import { expectRounding, printMargin } from '../rounding.js'
import { gaussian } from '../statistics/clustered.js'

printMargin()

type Complex = readonly [number, number]
const add = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d]
const sub = ([a, b]: Complex, [c, d]: Complex): Complex => [a - c, b - d]
const mul = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c]
const over = ([a, b]: Complex, [c, d]: Complex): Complex => [(a * c + b * d) / (c * c + d * d), (b * c - a * d) / (c * c + d * d)]
const conj = ([a, b]: Complex): Complex => [a, -b]
const real = (a: number): Complex => [a, 0]
const dot = (x: readonly Complex[], y: readonly Complex[]) => x.reduce<Complex>((sum, a, i) => add(sum, mul(a, y[i]!)), [0, 0])
const pairs = (half: readonly Complex[]) => [...half, ...half.map(conj)]

/** Computes C (I − dAᴸ) step by step, with the rank-one inverse instead of a matrix, over both halves of the states. */
function trained(c: readonly Complex[], a: readonly Complex[], p: readonly Complex[], dt: number, length: number): Complex[] {
  const [all, low, eigen] = [pairs(c), pairs(p), pairs(a)]
  const grown = eigen.map((l) => add(real(2 / dt), l))
  const inverse = eigen.map((l) => over([1, 0], sub(real(2 / dt), l)))
  const across = low.map(conj)
  const norm = add(
    [1, 0],
    dot(
      across,
      low.map((x, i) => mul(inverse[i]!, x)),
    ),
  )
  const step = (s: readonly Complex[]) => {
    const lean = dot(across, s)
    const y = s.map((x, i) => sub(mul(grown[i]!, x), mul(low[i]!, lean)))
    const back = over(
      dot(
        across,
        y.map((x, i) => mul(inverse[i]!, x)),
      ),
      norm,
    )
    return y.map((x, i) => mul(inverse[i]!, sub(x, mul(low[i]!, back))))
  }
  return c.map((own, j) => {
    let state = all.map((_, i): Complex => (i === j ? [1, 0] : [0, 0]))
    for (let t = 0; t < length; t++) state = step(state)
    return sub(own, dot(all, state))
  })
}

const [CHANNELS, HALF, LENGTH] = [4, 3, 12]
const gauss = gaussian(5)
const draw = (n: number) => Array.from({ length: n }, (): Complex => [gauss(), gauss()])
const flat = (values: readonly (readonly Complex[])[]) => Float32Array.from(values.flat(2))

/** An S4 kernel with two copies of its matrix, and its true C. */
function random() {
  const [C, P, B] = [Array.from({ length: CHANNELS }, () => draw(HALF)), [draw(HALF), draw(HALF)], [draw(HALF), draw(HALF)]]
  const [logs, turns] = [draw(2 * HALF).map(([x]) => x / 4), draw(2 * HALF).map(([x]) => 3 * Math.abs(x))]
  const times = draw(CHANNELS).map(([x]) => x / 4 - 2)
  const stored = C.map((c, channel) => {
    const copy = channel % 2
    const a = Array.from({ length: HALF }, (_, i): Complex => [-Math.exp(logs[copy * HALF + i]!), -turns[copy * HALF + i]!])
    return trained(c, a, P[copy]!, Math.exp(times[channel]!), LENGTH)
  })
  const tensor = (data: Iterable<number>, ...shape: number[]) => Tensor.from(Float32Array.from(data), shape)
  return {
    C: flat(C),
    kernel: {
      C: tensor(flat(stored), 1, CHANNELS, HALF, 2),
      inv_dt: tensor(times, CHANNELS, 1),
      A_real: tensor(logs, 2, HALF),
      A_imag: tensor(turns, 2, HALF),
      P: tensor(flat(P), 1, 2, HALF, 2),
      B: tensor(flat(B), 1, 2, HALF, 2),
    },
  }
}
async function expectClose(tensor: Tensor, expected: ArrayLike<number>): Promise<void> {
  const data = (await tensor.data()) as Float32Array
  expect(data.length).toBe(expected.length)
  const largest = Math.max(1, ...Array.from(expected, Math.abs))
  for (const [i, x] of data.entries()) expectRounding(Math.abs(x - expected[i]!), 0, `number ${i}`, largest)
}

it('trueC recovers the C of S4 from the C̃ that the reference trains', async () => {
  const { C, kernel } = random()
  using found = await trueC(kernel, LENGTH)
  expect(found.shape).toEqual([1, CHANNELS, HALF, 2])
  expect(found.dtype).toBe('float32')
  await expectClose(found, C)
})

const LAYER = 'core.layers.0.layer.layer.kernel.'
/** S4 weights under the given names, with the tensors around a kernel. */
async function imported(tensors: Record<string, Tensor>) {
  const around = {
    'encoder.0.weight': [11, 4],
    'loss.cluster_weight': [3, 4],
    'model.norm.norm.weight': [4],
    'model.layers.1.layer.ff.2.weight': [4, 16],
  }
  const stored = Object.entries(tensors).map(
    ([name, tensor]) => [name, { shape: tensor.shape, read: () => tensor.to({}).ready() }] as const,
  )
  const others = Object.entries(around).map(
    ([name, shape]) => [name, { shape, read: () => Promise.reject(new Error(name)) }] as const,
  )
  const file = { path: 's4.pt', files: [], tensors: new Map([...stored, ...others]), config: {}, rest: new Map(), warnings: [] }
  return asOurs(findArchitecture('s4'), file satisfies WeightsFile)
}
const length = (steps: number) => Tensor.from(BigInt64Array.of(BigInt(steps)), [])

it.each([
  [
    '4',
    (kernel: Record<string, Tensor>) => ({
      ...Object.fromEntries(
        Object.entries(kernel).map(([name, tensor]) => [`model.layers.0.layer.layer.kernel.${name}`, tensor]),
      ),
      'model.layers.0.layer.layer.kernel.l_kernel': length(LENGTH),
      'model.layers.0.layer.layer.D': kernel.inv_dt!,
    }),
  ],
  [
    '3',
    (kernel: Record<string, Tensor>) => {
      const before = 'model.layers.0.layer.kernel.kernel.'
      return {
        [`${before}C`]: kernel.C!,
        [`${before}B`]: kernel.B!,
        [`${before}P`]: kernel.P!,
        [`${before}inv_w_real`]: kernel.A_real!,
        [`${before}w_imag`]: kernel.negated!,
        [`${before}log_dt`]: kernel.flat!,
        [`${before}L`]: length(LENGTH),
        'model.layers.0.layer.D': kernel.inv_dt!,
      }
    },
  ],
])('import of S4 version %s renames the weights and recovers the true C', async (version, stored) => {
  const { C, kernel } = random()
  using negated = await kernel.A_imag.op('aten::neg')
  using flattened = await kernel.inv_dt.op('aten::squeeze', 1)
  const { tensors, options, dropped } = await imported(stored(version === '3' ? { ...kernel, negated, flat: flattened } : kernel))
  expect(options).toEqual({ width: 4, layers: 1, pattern: 'sf', kernel: 'dplr', state: 6, copies: 2, ffn: 16 })
  expect(dropped).toEqual(['encoder.0.weight', 'loss.cluster_weight'])
  const names = ['A_imag', 'A_real', 'B', 'C', 'P', 'inv_dt'].map((name) => LAYER + name)
  const around = ['core.layers.0.layer.layer.D', 'core.layers.1.layer.ff.2.weight', 'core.norm.weight']
  expect([...tensors.keys()].filter((name) => !dropped.includes(name)).sort()).toEqual([...names, ...around].sort())
  await expectClose(await tensors.get(`${LAYER}C`)!.read(), C)
  for (const name of ['inv_dt', 'A_imag'] as const) {
    const found = tensors.get(LAYER + name)!
    expect(found.shape).toEqual(kernel[name].shape)
    await expectClose(await found.read(), (await kernel[name].data()) as Float32Array)
  }
})

it('an S4 kernel of training length 0 already stores its true C', async () => {
  const { kernel } = random()
  const names = Object.entries(kernel).map(([name, tensor]) => [`layers.0.layer.layer.kernel.${name}`, tensor] as const)
  const { tensors } = await imported({ ...Object.fromEntries(names), 'layers.0.layer.layer.kernel.l_kernel': length(0) })
  await expectClose(await tensors.get(`${LAYER}C`)!.read(), (await kernel.C.data()) as Float32Array)
})
