import { statSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Base, LvmError, load, type Model, openBase, type Stepper, Tensor } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { refused } from '../files/fixture.js'
import { expectRounding, printMargin } from '../rounding.js'
import { gaussian } from '../statistics/clustered.js'
import { TINY, trained, vectorFile } from '../train/runs.js'

const DIM = 16
const run = (name: string) => join(TINY.out, name)
printMargin()
let data: string
beforeAll(async () => {
  data = await vectorFile('base', { articles: 5 })
  await trained({ ...TINY, model: 'lstm', data, name: 'lstm', head: 'mlp', epochs: 1 })
  await trained({ ...TINY, model: 'gru', data, name: 'gru', epochs: 1, residual: 'mean', inputScale: 'standardize' })
  await trained({ ...TINY, model: 'transformer', data, name: 'transformer', epochs: 1, residual: 'last' })
})

it('console.log shows a model in one line, without its manifest', async () => {
  using model = await load(run('lstm'))
  expect(inspect(model)).toMatch(/^Model .*lstm \(lstm, [\d,]+ parameters, dim 16, context \d+, cpu\)$/)
})
it('`using` frees a base and a stepper', async () => {
  using model = await load(run('lstm'))
  let [kept, fed]: [Base | undefined, Stepper | undefined] = [undefined, undefined]
  {
    using base = await openBase(data)
    using stepper = model.stepper()
    ;[kept, fed] = [base, stepper]
  }
  expect(() => kept.vectors.shape).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
  await refused('DISPOSED', fed.step(vectors(1)))
})

/** Draws seeded vectors. */
function vectors(count: number): Float32Array {
  const gauss = gaussian(5)
  return Float32Array.from({ length: count * DIM }, () => gauss() / 4)
}
const lengths = (x: Float32Array) =>
  Array.from({ length: x.length / DIM }, (_, i) => Math.hypot(...x.subarray(i * DIM, (i + 1) * DIM)))
const near = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)))
/** Largest error of a model's predictions against its own weights in double precision. Shapes: x batch · time · dim */
async function ownError(model: Model, x: Float32Array, time: number, o: { all?: boolean; raw?: boolean } = {}): Promise<number> {
  const wide = await native.model(model.manifest.spec, 'float64', 'cpu', null)
  using same = await load(model.folder) // reading the state of the model itself would unpack its weights
  await native.modelLoad(wide, Object.fromEntries(native.modelState(same.native).map(({ name, tensor }) => [name, tensor])))
  using input = Tensor.from(x, [x.length / (time * DIM), time, DIM])
  using exact = Tensor.wrap(await native.modelPredict(wide, input.native, o.all ?? false, o.raw ?? false))
  using single = Tensor.wrap(await native.modelPredict(model.native, input.native, o.all ?? false, o.raw ?? false))
  native.dispose(wide)
  return near((await single.data()) as Float32Array, (await exact.data()) as Float64Array)
}

describe.each(['lstm', 'gru', 'transformer'])('%s', (name) => {
  it('predict gives the same unit vectors for every batch size', async () => {
    using model = await load(run(name))
    expect(model).toMatchObject({ dim: DIM, context: 5, name: run(name), folder: run(name), device: 'cpu' })
    expect(model.fileBytes).toBe(statSync(join(run(name), 'best_model.pt')).size)
    const x = vectors(3 * 5)
    const y = await model.predict(x)
    expect(y).toBeInstanceOf(Float32Array)
    expect(y).toHaveLength(3 * DIM)
    for (const length of lengths(y)) expect(length).toBeCloseTo(1, 5)
    const single = await model.predict(x.subarray(5 * DIM, 10 * DIM))
    expectRounding(near(single, y.subarray(DIM, 2 * DIM)), await ownError(model, x, 5), `${name}, a context alone`)
    expect(await model.predict(x)).toEqual(y)
  })
  it('predict accepts other context lengths, and tensors of any float type', async () => {
    using model = await load(run(name))
    const x = vectors(14)
    const seven = await model.predict(x, { context: 7 })
    expect(seven).toHaveLength(2 * DIM)
    using input = Tensor.from(x, [2, 7, DIM])
    using output = await model.predict(input)
    expect(output.shape).toEqual([2, DIM])
    expect(await output.data()).toEqual(seven)
    using wide = await input.to({ dtype: 'float64' })
    using same = await model.predict(wide)
    expect(await same.data()).toEqual(seven)
    expect(await model.predict(x, { context: 1 })).toHaveLength(14 * DIM)
  })
  it('predictAll agrees with predict on each prefix, and with the stepper', async () => {
    using model = await load(run(name))
    const [batch, time] = [2, 5]
    const x = vectors(batch * time)
    const all = await model.predictAll(x)
    expect(all).toHaveLength(batch * time * DIM)
    const own = await ownError(model, x, time, { all: true })
    const stepper = model.stepper({ batch })
    const at = (b: number, t: number) => (b * time + t) * DIM
    for (const round of [1, 2]) {
      for (let t = 0; t < time; t++) {
        const input = new Float32Array(batch * DIM)
        for (let b = 0; b < batch; b++) input.set(x.subarray(at(b, t), at(b, t) + DIM), b * DIM)
        const stepped = await stepper.step(input)
        expect(stepped).toHaveLength(batch * DIM)
        for (let b = 0; b < batch; b++) {
          const expected = all.subarray(at(b, t), at(b, t) + DIM)
          const step = near(stepped.subarray(b * DIM, (b + 1) * DIM), expected)
          expectRounding(step, own, `${name}, round ${round}, position ${t}`)
          const prefix = await model.predict(x.subarray(at(b, 0), at(b, t) + DIM), { context: t + 1 })
          expectRounding(near(prefix, expected), own, `${name}, a prefix of ${t + 1}`)
        }
      }
      await stepper.reset()
    }
    stepper.dispose()
    using input = Tensor.from(x, [batch, time, DIM])
    using output = await model.predictAll(input)
    expect(output.shape).toEqual([batch, time, DIM])
    expect(await output.data()).toEqual(all)
  })
})

describe('with raw', () => {
  it.each(['lstm', 'transformer'])(
    'raw predictions of %s are head outputs in the direction of the unit prediction',
    async (name) => {
      using model = await load(run(name))
      const x = vectors(10)
      const [unit, raw] = [await model.predict(x), await model.predict(x, { raw: true })]
      for (let b = 0; b < 2; b++) {
        const own = raw.subarray(b * DIM, (b + 1) * DIM)
        const length = Math.hypot(...own)
        expect(Math.abs(length - 1)).toBeGreaterThan(0.01)
        const direction = own.map((v) => v / length)
        expectRounding(near(direction, unit.subarray(b * DIM, (b + 1) * DIM)), 0, `${name}, the direction of raw`)
      }
      using input = Tensor.from(x, [2, 5, DIM])
      using output = await model.predict(input, { raw: true })
      expect(await output.data()).toEqual(raw)
    },
  )
  it('a stepper and predictAll give raw outputs too', async () => {
    using model = await load(run('gru'))
    const x = vectors(4)
    const all = await model.predictAll(x, { context: 4, raw: true })
    const own = await ownError(model, x, 4, { all: true, raw: true })
    const stepper = model.stepper({ raw: true })
    for (let t = 0; t < 4; t++) {
      const stepped = await stepper.step(x.subarray(t * DIM, (t + 1) * DIM))
      expectRounding(near(stepped, all.subarray(t * DIM, (t + 1) * DIM)), own, `gru, raw step ${t}`)
    }
    stepper.dispose()
  })
})

describe('wrong input is refused with a code, never a crash', () => {
  const x = vectors(5)
  it.each<[string, unknown, { context?: number }?]>([
    ['an incomplete context', x.subarray(1)],
    ['nothing', new Float32Array(0)],
    ['null', null],
    ['undefined', undefined],
    ['a number', 7],
    ['a list', [...x]],
    ['other numbers', Float64Array.from(x)],
    ['text', 'x'.repeat(80)],
    ['an object', { length: 80 }],
    ['a context that does not divide it', x, { context: 3 }],
  ])('predict refuses %s', async (_, input, options) => {
    using model = await load(run('lstm'))
    for (const verb of ['predict', 'predictAll'] as const)
      expect(await refused('BAD_ARGUMENT', model[verb](input as Float32Array, options))).toMatch(
        new RegExp(`^${verb}: expected a Float32Array of`),
      )
  })
  it.each([0, -5, 2.5, Number.NaN, '5'])('predict refuses a context of %s', async (context) => {
    using model = await load(run('lstm'))
    await refused('BAD_OPTION', model.predict(x, { context: context as number }))
  })
  it('predict refuses NaN and infinity', async () => {
    using model = await load(run('gru'))
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const bad = x.slice()
      bad[33] = value
      await refused('DATA_NOT_FINITE', model.predict(bad))
      await refused('DATA_NOT_FINITE', model.stepper().step(bad.subarray(32, 48)))
    }
  })
  it('predict refuses tensors of another shape or type, and disposed ones', async () => {
    using model = await load(run('transformer'))
    for (const shape of [[5, DIM], [1, 5, DIM, 1], [1, DIM, 5], [5 * DIM]]) {
      using tensor = Tensor.from(x, shape)
      expect(await refused('BAD_ARGUMENT', model.predict(tensor))).toMatch(/\[batch, context, 16\]/)
    }
    using whole = Tensor.from(new BigInt64Array(80), [1, 5, DIM])
    await refused('BAD_ARGUMENT', model.predict(whole))
    const gone = Tensor.from(x, [1, 5, DIM])
    gone.dispose()
    await refused('DISPOSED', model.predict(gone))
  })
  it('the error for a context without vectors says so', async () => {
    using model = await load(run('lstm'))
    using none = Tensor.from(new Float32Array(0), [1, 0, DIM])
    expect(await refused('BAD_ARGUMENT', model.predict(none))).toMatch(/at least one vector/)
  })
  it('stepper refuses a batch of 0, and steps of another size', async () => {
    using model = await load(run('lstm'))
    for (const batch of [0, 1.5, -1, Number.NaN]) expect(() => model.stepper({ batch })).toThrow(LvmError)
    const stepper = model.stepper({ batch: 2 })
    for (const bad of [vectors(1), vectors(3), new Float32Array(7), null, 'x'])
      await refused('BAD_ARGUMENT', stepper.step(bad as Float32Array))
    await stepper.step(vectors(2)) // a refusal does not change the state
    stepper.dispose()
    await refused('DISPOSED', stepper.step(vectors(2)))
    await refused('DISPOSED', stepper.reset())
  })
  it('predict refuses a disposed model', async () => {
    const model = await load(run('lstm'))
    const pending = model.predict(x)
    model.dispose()
    expect(await pending).toHaveLength(DIM)
    await refused('DISPOSED', model.predict(x))
    await refused('DISPOSED', model.predictAll(x))
    expect(() => model.stepper()).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
    model.dispose() // a second call has no effect
  })
})

it('a model works in a worker thread and in the main thread at the same time', async () => {
  const index = new URL('../../dist/lib/index.js', import.meta.url).href
  const code = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { load } = await import(workerData.index)
    const model = await load(workerData.run)
    parentPort.postMessage(await model.predict(workerData.x))
    model.dispose()`
  const x = vectors(10)
  using model = await load(run('lstm'))
  const own = await model.predict(x)
  const answers = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
            workerData: { index, run: run('lstm'), x },
          })
          worker.once('message', resolve).once('error', reject)
        }),
    ),
  )
  for (const answer of answers) expect(answer).toEqual(own)
})
