import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { WindowSet } from '../../../lib/index.js'
import {
  AdamW,
  createModel,
  evaluate,
  type FreshModel,
  LvmError,
  load,
  openWindows,
  predict,
  SGD,
  saveModel,
  type Tensor,
  torch,
  train,
} from '../../../lib/index.js'
import { place, vectorFile } from '../runs.js'

const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const out = place('own-runs')
let data: string
let windows: WindowSet
beforeAll(async () => {
  data = await vectorFile('own', { articles: 20, dim: 16 })
  windows = await openWindows(data, { context: 4, seed: 3 })
})
afterAll(() => windows.dispose())

const create = (seed = 0) => createModel({ model: 'lstm', dim: 16, context: 4, layers: 1, width: 24, dropout: 0, seed })
async function validation(model: FreshModel): Promise<number> {
  const { x, y } = windows.val.all()
  return torch.noGrad(() => model.eval().forward(x).mseLoss(y)).item()
}
/** Trains for some epochs and returns the losses of all steps. */
async function fitted(model: FreshModel, optimizer: AdamW | SGD, epochs: number): Promise<number> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    model.train()
    for (const { x, y } of windows.train.batches({ size: 32 })) {
      torch.scope(() => {
        model.forward(x).mseLoss(y).backward()
        optimizer.step()
      })
    }
  }
  return validation(model)
}

describe('a loop of one’s own', () => {
  test('reaches the loss of the trainer, and its run is evaluated on the same windows', async () => {
    const model = await create(3)
    const own = await fitted(model, new AdamW(model, { lr: 3e-3, weightDecay: 0.01, clip: 1 }), 4)
    expect(await saveModel(model, { name: 'own', out, windows })).toBe(`${out}/own`)
    const losses: number[] = []
    for await (const event of train({
      model: 'lstm',
      data,
      context: 4,
      seed: 3,
      layers: 1,
      width: 24,
      dropout: 0,
      lr: 3e-3,
      schedule: 'constant',
      epochs: 4,
      out,
      name: 'theirs',
    }))
      if (event.type === 'epoch') losses.push(event.val_loss)
    expect(own).toBeLessThan(0.95 * losses[0]!)
    expect(Math.abs(own / losses.at(-1)! - 1)).toBeLessThan(0.03)

    const { results } = await evaluate({ runs: [`${out}/own`, `${out}/theirs`], out: place('own-scores'), latency: 0 })
    const [mine, theirs] = results.runs as unknown as { n: number; mse_raw: number }[]
    expect(mine!.n).toBe(theirs!.n)
    expect(mine!.mse_raw).toBeCloseTo(own, 6)
    const predicted = await predict({ run: `${out}/own`, out: place('own-predictions.npy') })
    expect(predicted).toMatchObject({ version: 1 })
  })
  test('trains a loaded run further', async () => {
    const model = await create(1)
    await saveModel(model, { name: 'further', out, windows })
    const loaded = await load('further', { root: out, device: 'cpu' })
    const before = await validation(loaded as unknown as FreshModel)
    const { x, y } = windows.train.all()
    const optimizer = new AdamW(loaded, { lr: 1e-2 })
    for (let i = 0; i < 20; i++) {
      loaded.forward(x).mseLoss(y).backward()
      await optimizer.step()
    }
    expect(await validation(loaded as unknown as FreshModel)).toBeLessThan(0.9 * before)
    await saveModel(loaded, { name: 'further', out, windows, overwrite: true })
    const again = await load('further', { root: out, device: 'cpu' })
    const contexts = x.at('0:3')
    const [stored, own] = [await again.predict(contexts), await loaded.predict(contexts)]
    expect(await stored.sub(own).abs().max().item()).toBeLessThan(1e-6) // packed weights are multiplied in another order
  })
  test('the gradients of a model agree with differences', async () => {
    const model = await create()
    const { x, y } = windows.val.all()
    const loss = () => model.forward(x).mseLoss(y)
    await loss().backward()
    const [name, parameter] = Object.entries(model.namedParameters()).find(([, { shape }]) => shape.length === 2)!
    const gradient = (await parameter.grad!.at(0, 0).item()) as number
    const at = async (step: number) => {
      torch.noGrad(() => parameter.at(0, 0).add_(step))
      const value = await torch.noGrad(loss).item()
      torch.noGrad(() => parameter.at(0, 0).sub_(step))
      return value
    }
    const difference = ((await at(0.05)) - (await at(-0.05))) / 0.1
    expect(Math.abs(gradient - difference), name).toBeLessThan(0.02 * Math.abs(gradient) + 1e-6)
  })
})

describe('optimizers', () => {
  const start = () => torch.tensor([1, -2], { requiresGrad: true })
  const step = async (optimizer: SGD | AdamW, x: Tensor) => {
    x.pow(2).sum().backward() // gradient 2x
    return optimizer.step()
  }
  test('SGD steps along the gradient, with momentum, weight decay and clipping', async () => {
    const x = start()
    expect(await step(new SGD([x], { lr: 0.1 }), x)).toBeCloseTo(Math.sqrt(20), 5)
    expect(await x.tolist()).toEqual([expect.closeTo(0.8, 6), expect.closeTo(-1.6, 6)])
    expect(x.grad).toBeUndefined()
    const moving = start()
    const optimizer = new SGD({ moving }, { lr: 0.1, momentum: 0.5 })
    await step(optimizer, moving)
    await step(optimizer, moving)
    expect(await moving.at(0).item()).toBeCloseTo(0.8 - 0.1 * (1.6 + 0.5 * 2), 6)
    const decayed = start()
    await step(new SGD([decayed], { lr: 0.1, weightDecay: 1 }), decayed)
    expect(await decayed.at(0).item()).toBeCloseTo(1 - 0.1 * (2 + 1), 6)
    const clipped = start()
    await step(new SGD([clipped], { lr: 1, clip: 1 }), clipped)
    expect(await clipped.at(0).item()).toBeCloseTo(1 - 2 / Math.sqrt(20), 5)
  })
  test('AdamW’s first step has the size of the learning rate, in float32 and float64', async () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const x = torch.tensor([1, -2], { dtype, requiresGrad: true })
      await step(new AdamW([x], { lr: 0.1, weightDecay: 0 }), x)
      expect(await x.tolist()).toEqual([expect.closeTo(0.9, 5), expect.closeTo(-1.9, 5)])
    }
  })
  test('their state can be carried to another one', async () => {
    const [x, y] = [start(), start()]
    const first = new AdamW([x], { lr: 0.1 })
    await step(first, x)
    torch.noGrad(() => y.copy_(x))
    const second = new AdamW([y], { lr: 0.1 })
    await second.loadStateDict(first.stateDict())
    await step(first, x)
    await step(second, y)
    expect(await y.tolist()).toEqual(await x.tolist())
  })
  test('a frozen parameter of a model does not change', async () => {
    const model = await create()
    const [name, frozen] = Object.entries(model.namedParameters())[0]!
    frozen.requiresGrad = false
    const before = await frozen.tolist()
    await fitted(model, new AdamW(model), 1)
    expect(await model.stateDict()[name]!.tolist()).toEqual(before)
  })
  test('swapAverage() puts the average in place of the weights, and back', async () => {
    const x = start()
    const optimizer = new AdamW([x], { lr: 0.1, ema: 0.9 })
    for (let i = 0; i < 5; i++) await step(optimizer, x)
    const raw = await x.tolist()
    await optimizer.swapAverage()
    expect(await x.tolist()).not.toEqual(raw)
    await optimizer.swapAverage()
    expect(await x.tolist()).toEqual(raw)
  })
})

describe('refused', () => {
  test.each<[string, string, () => unknown]>([
    ['a step without gradients', 'BAD_ARGUMENT', () => new AdamW([torch.ones([1], { requiresGrad: true })]).step()],
    ['tensors that require no gradient', 'BAD_ARGUMENT', () => new SGD([torch.ones([1])])],
    ['computed tensors', 'BAD_ARGUMENT', () => new SGD([torch.ones([1], { requiresGrad: true }).mul(2)])],
    [
      'the same tensor twice',
      'BAD_ARGUMENT',
      () => {
        const x = torch.ones([1], { requiresGrad: true })
        return new SGD([x, x])
      },
    ],
    ['nothing to train', 'BAD_ARGUMENT', () => new AdamW([])],
    ['something else to train', 'BAD_ARGUMENT', () => new AdamW(5 as never)],
    ['an unknown option', 'BAD_OPTION', () => new AdamW([torch.ones([1], { requiresGrad: true })], { rate: 1 } as object)],
    ['a learning rate of NaN', 'BAD_OPTION', () => new SGD([torch.ones([1], { requiresGrad: true })], { lr: Number.NaN })],
    [
      'a used optimizer',
      'DISPOSED',
      () => {
        const optimizer = new SGD([torch.ones([1], { requiresGrad: true })])
        optimizer.dispose()
        return optimizer.step()
      },
    ],
    ['an unknown model', 'BAD_OPTION', () => createModel({ model: 'none' as 'lstm', dim: 4 })],
    ['a model without dimension', 'BAD_OPTION', () => createModel({ model: 'lstm', dim: 0 })],
    ['windows of a bad length', 'BAD_OPTION', () => openWindows(data, { context: -1 })],
    ['batches of no size', 'BAD_OPTION', () => [...windows.train.batches({ size: 0 })]],
    ['contexts of another dimension', 'BAD_ARGUMENT', async () => (await create()).forward(torch.ones([1, 4, 5])).data()],
    ['contexts with NaN', 'DATA_NOT_FINITE', async () => (await create()).forward(torch.full([1, 4, 16], Number.NaN)).data()],
    ['a context that is no tensor', 'BAD_ARGUMENT', async () => (await create()).forward([1] as never)],
    ['a state with a missing name', 'BAD_ARGUMENT', async () => (await create()).loadStateDict({})],
    ['a model that is none', 'BAD_OPTION', () => saveModel({} as never)],
    ['windows that are none', 'BAD_OPTION', async () => saveModel(await create(), { windows: {} as never })],
  ])('%s', async (_, expected, run) => {
    await expect((async () => run())()).rejects.toThrow(code(expected))
  })
  test('gradients of NaN, before they harm the weights', async () => {
    const x = torch.ones([1], { requiresGrad: true })
    x.mul(Number.NaN).backward()
    await expect(new AdamW([x]).step()).rejects.toThrow(code('DIVERGED'))
    expect(await x.tolist()).toEqual([1])
  })
  test('a step that nobody awaits is thrown by the next wait', async () => {
    const x = torch.ones([1], { requiresGrad: true })
    new AdamW([x]).step()
    await new Promise((done) => setTimeout(done, 50))
    const error = await x.data().catch((caught) => caught)
    expect(error).toBeInstanceOf(LvmError)
  })
  test('a run that is there, unless it is overwritten', async () => {
    const model = await create()
    await saveModel(model, { name: 'there', out })
    await expect(saveModel(model, { name: 'there', out })).rejects.toThrow(code('RUN_EXISTS'))
    await saveModel(model, { name: 'there', out, overwrite: true })
  })
})
