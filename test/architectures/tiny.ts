import { type NativeModel, native } from '../../lib/native.js'
import type { Architecture } from '../../lib/spec/architecture.js'
import { random } from '../../lib/statistics/random.js'
import { Tensor } from '../../lib/torch/tensor.js'

/** Dimension of the vectors in these tests, and the longest context. */
export const DIM = 12
export const LONGEST = 300

/** Options that a value requires: without input projection the width is the dimension of the vectors. */
export const fitting = (name: string, value: unknown, dim: number): Record<string, unknown> =>
  name === 'inProj' && value === false ? { width: dim } : {}

/** The preset `tiny`, alone, with other wrapper options, and with every other choice of the architecture. */
export function variants({ fields, presets: { tiny } }: Architecture): [string, Record<string, unknown>][] {
  const own = Object.entries(fields).filter(([, { group }]) => group === 'Model')
  const others = own.flatMap(([name, { kind, choices, default: usual }]) =>
    ['head', 'output', 'residual', 'input', 'inputScale'].includes(name)
      ? []
      : (kind === 'flag' ? [true, false] : (choices ?? []))
          .filter((value) => value !== usual)
          .map((value) => [`${name} ${value}`, { ...tiny, [name]: value, ...fitting(name, value, DIM) }] as const),
  )
  return [
    ['tiny', { ...tiny }],
    ['mlp, residual mean, standardize', { ...tiny, head: 'mlp', residual: 'mean', inputScale: 'standardize' }],
    ['residual decay, sqrt_dim', { ...tiny, residual: 'decay', inputScale: 'sqrt_dim' }],
    ['residual memory', { ...tiny, residual: 'memory' }],
    ['residual and input memory', { ...tiny, residual: 'memory', input: 'memory', memories: 3, inputScale: 'whiten' }],
    ...others.map(([name, options]): [string, Record<string, unknown>] => [name, options]),
  ]
}

/** A model without zero weights: what starts at zero (a head with a residual, most of RWKV) or as identity would hide faults. */
export async function build(
  a: Architecture,
  options: Record<string, unknown> = a.presets.tiny,
  o: { dtype?: 'float32' | 'float64'; seed?: number; context?: number } = {},
): Promise<NativeModel> {
  const { node } = a.spec({ dim: DIM, context: o.context ?? LONGEST }, options)
  const model = await native.model(node, o.dtype ?? 'float32', 'cpu', o.seed ?? 1)
  for (const [i, { name, tensor }] of native.modelState(model).entries()) {
    const weight = Tensor.wrap(tensor)
    const values = await (await weight.to({ dtype: 'float32' })).data()
    const hides = weight.shape.length === 2 || name.endsWith('center') ? values.every((x) => x === 0) : false
    if (!hides && name !== 'input.whitening') continue
    const noise = gaussian(values.length, 99 + i).map((x) => x / Math.sqrt(weight.shape.at(-1)!))
    await weight.op('aten::copy_', await Tensor.from(noise, weight.shape).to({ dtype: weight.dtype }))
  }
  return model
}

/** Seeded normal random numbers. */
export const gaussian = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random(seed, 2 * i)))
    return radius * Math.cos(2 * Math.PI * random(seed, 2 * i + 1))
  })

/** Scales every group of DIM numbers to length 1, in place. */
export function unit(data: Float32Array): Float32Array {
  for (let at = 0; at < data.length; at += DIM) {
    const row = data.subarray(at, at + DIM)
    const norm = Math.hypot(...row)
    row.forEach((x, i) => {
      row[i] = x / norm
    })
  }
  return data
}
export const contexts = (batch: number, time: number, seed = 1): Float32Array => unit(gaussian(batch * time * DIM, seed))

/** Predictions at the last position or at all. Shapes: batch · time · dim → batch · dim, or batch · time · dim for all. */
export async function predict(model: NativeModel, x: Float32Array, batch: number, all = false): Promise<Float64Array> {
  using input = Tensor.from(x, [batch, x.length / (batch * DIM), DIM])
  using output = Tensor.wrap(await native.modelPredict(model, input.native, all))
  return Float64Array.from((await output.data()) as Float32Array)
}

/** The same model in double precision. */
export async function widened(a: Architecture, options: Record<string, unknown>, model: NativeModel, context?: number) {
  const wide = await build(a, options, { dtype: 'float64', ...(context !== undefined && { context }) })
  await native.modelLoad(wide, Object.fromEntries(native.modelState(model).map(({ name, tensor }) => [name, tensor])))
  return wide
}

/** Largest difference between two results. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  return Array.from(a).reduce((most, x, i) => Math.max(most, Number.isNaN(x - b[i]!) ? Infinity : Math.abs(x - b[i]!)), 0)
}
