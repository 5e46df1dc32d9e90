import { afterAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { type NativeModel, native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { type Arrays, arrays, type Fixture, fixtures, optionsOf } from './fixtures.js'

const variants = fixtures().filter(({ arch }) => architectures.some(({ name }) => name === arch))
let ran = 0

const largest = (data: Float64Array) => data.reduce((max, x) => Math.max(max, Math.abs(x)), 0)
async function error(got: Tensor, want: Float64Array): Promise<number> {
  using wide = await got.to({ dtype: 'float64' })
  const data = (await wide.data()) as Float64Array
  expect(data.length).toBe(want.length)
  return data.reduce((max, x, i) => Math.max(max, Number.isNaN(x) ? Infinity : Math.abs(x - want[i]!)), 0)
}
const tensor = (all: Arrays, name: string, dtype: 'float32' | 'float64') => {
  const { shape, data } = all.get(name)!
  return Tensor.from(dtype === 'float64' ? data : Float32Array.from(data), shape)
}

async function build(fixture: Fixture, all: Arrays, dtype: 'float32' | 'float64'): Promise<NativeModel> {
  const architecture = architectures.find(({ name }) => name === fixture.arch)!
  const context = Math.max(...fixture.cases.map(({ T }) => T))
  const { node } = architecture.spec({ dim: fixture.vec_dim, context }, optionsOf(fixture, Object.keys(architecture.fields)))
  const model = await native.model(node, dtype, 'cpu', null)
  const names = native.modelState(model).map(({ name }) => name)
  expect(names.filter((name) => all.has(`param/${name}`)).sort()).toEqual(fixture.params.map(({ name }) => name).sort())
  const values = native.modelState(model).map(({ name, tensor: own }) => {
    const key = [`param/${name}`, `buffer/${name}`].find((key) => all.has(key))
    return [name, key === undefined ? own : tensor(all, key, dtype).native] // a counter that only training uses stays
  })
  await native.modelLoad(model, Object.fromEntries(values))
  return model
}

describe.each(variants.map((f) => [f.variant, f] as const))('%s', (variant, fixture) => {
  const all = arrays(variant)
  test.each(['float64', 'float32'] as const)('outputs and gradients equal the reference in %s', async (dtype) => {
    const model = await build(fixture, all, dtype)
    const { value_rtol, grad_rtol, grad_rtol_for = {} } = fixture.tolerance[dtype]
    for (const { T, grad_atol } of fixture.cases) {
      const got = await native.modelExamine(
        model,
        tensor(all, `T${T}/x`, dtype).native,
        tensor(all, `T${T}/target`, dtype).native,
      )
      const values = { hidden: 'seen/core', raw_all: 'raw_all', raw: 'raw', out: 'out', loss: 'loss' }
      for (const [name, key] of Object.entries(values)) {
        const want = all.get(`T${T}/${name}`)!.data
        expect((await error(Tensor.wrap(got[key]!), want)) / largest(want), `T${T} ${name}`).toBeLessThanOrEqual(value_rtol)
      }
      for (const name of [...fixture.params.map((p) => `grad/${p.name}`), 'grad_x']) {
        const want = all.get(`T${T}/${name}`)!.data
        const rtol = (dtype === 'float32' ? grad_rtol_for[name.replace('grad/', '')] : undefined) ?? grad_rtol
        expect((await error(Tensor.wrap(got[name]!), want)) / (largest(want) + grad_atol), `T${T} ${name}`).toBeLessThanOrEqual(
          rtol,
        )
      }
    }
    ran++
  })

  test.runIf(fixture.causal)('stepping equals the parallel form at every position', async () => {
    const model = await build(fixture, all, 'float64')
    // A state cannot hold RetNet's row divisors, nor the stabiliser that Performer's keys share with later ones.
    const near = { retnet: 1e-3, performer: 0.05 }[fixture.arch] ?? 1e-6
    const { T } = fixture.cases.at(-1)!
    const { shape, data } = all.get(`T${T}/raw_all`)!
    const [batch, , dim] = shape as [number, number, number]
    const x = tensor(all, `T${T}/x`, 'float64')
    const stepper = native.stepper(model, batch)
    for (let t = 0; t < T; t++) {
      using at = await x.op('aten::select', 1, t)
      const y = (await Tensor.wrap(await native.stepperStep(stepper, at.native)).data()) as Float64Array
      for (let b = 0; b < batch; b++) {
        const raw = data.subarray((b * T + t) * dim, (b * T + t + 1) * dim)
        const norm = Math.hypot(...raw)
        const worst = raw.reduce((most, value, i) => Math.max(most, Math.abs(y[b * dim + i]! - value / norm)), 0)
        expect(worst).toBeLessThan(near)
      }
    }
  })
})

afterAll(() => {
  console.log(
    `parity: ${ran} of ${variants.length * 2} comparisons ran, ${variants.length} variants: ${variants.map((v) => v.variant).join(', ')}`,
  )
  expect(ran).toBe(variants.length * 2)
  expect(ran).toBeGreaterThan(0)
})
