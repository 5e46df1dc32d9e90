// Models and data that the stages share.
import { architectures, findArchitecture } from '../../dist/lib/architectures/index.js'
import { native } from '../../dist/lib/native.js'
import { Tensor } from '../../dist/lib/torch/tensor.js'

export { architectures, findArchitecture, native, Tensor }

/** lcm has two layers in its target preset, because all 31 with their optimizer need more memory than many devices have. */
export const SMALLER = { lcm: { layers: 2 } }
export const OPTIONS = {
  batch: 32,
  accumulate: 1,
  loss: 'mse',
  bf16: false,
  sequence: false,
  recompute: false,
  seed: 0,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  clip: 1,
  ema: 0,
}

/** Seeded numbers between -1 and 1. */
export function numbers(count, seed = 1) {
  const values = new Float32Array(count)
  let state = seed
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    values[i] = state / 2 ** 31
  }
  return values
}
/** Rows of unit length. */
export function unitRows(rows, dim, seed) {
  const values = numbers(rows * dim, seed)
  for (let at = 0; at < values.length; at += dim) {
    const norm = Math.hypot(...values.subarray(at, at + dim))
    for (let k = at; k < at + dim; k++) values[k] /= norm
  }
  return Tensor.from(values, [rows, dim])
}

/** Windows over random rows. */
export function base(rows, dim, context) {
  const first = Int32Array.from({ length: rows - context }, (_, i) => i)
  const next = first.map((i) => i + context)
  return { samples: native.samples(unitRows(rows, dim, 3).native, null, first, next, context), windows: first }
}

export const specOf = (name, dim, context, preset = 'tiny', options = {}) => {
  const { presets, spec, fields } = findArchitecture(name)
  const still = options.still && 'dropout' in fields ? { dropout: 0 } : {}
  return spec({ dim, context }, { ...presets[preset], ...(preset === 'target' ? SMALLER[name] : {}), ...still }).node
}

/** A model without zero matrices, which would hide others: heads start at zero. */
export async function model(name, device, { dim = 48, context = 8, preset, still = true, dtype = 'float32' } = {}) {
  const made = await native.model(specOf(name, dim, context, preset, { still }), dtype, device, 1)
  for (const [i, { tensor }] of native.modelState(made).entries()) {
    const weight = Tensor.wrap(tensor)
    if (weight.shape.length !== 2 || !/float/.test(weight.dtype)) continue
    const largest = await (await weight.op('aten::abs')).op('aten::max')
    if (Number((await host(largest))[0]) !== 0) continue
    const noise = numbers(weight.shape[0] * weight.shape[1], 99 + i).map((x) => x / Math.sqrt(weight.shape[1]))
    await weight.op('aten::copy_', Tensor.from(noise, weight.shape))
  }
  return made
}

export async function host(tensor) {
  const single = await tensor.to({ device: 'cpu', dtype: 'float32' }).ready()
  return single.data()
}
/** Largest difference divided by the largest expected value. */
export function apart(got, want) {
  let [most, scale] = [0, 1e-30]
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i] - want[i])
    most = Number.isNaN(difference) ? Infinity : Math.max(most, difference)
    scale = Math.max(scale, Math.abs(want[i]))
  }
  return most / scale
}
export const weightsOf = async (made) =>
  Object.fromEntries(
    await Promise.all(
      native
        .modelState(made)
        .filter(({ tensor }) => /float/.test(Tensor.wrap(tensor).dtype))
        .map(async ({ name, tensor }) => [name, await host(Tensor.wrap(tensor))]),
    ),
  )
export const short = (x) => x.toExponential(1)
