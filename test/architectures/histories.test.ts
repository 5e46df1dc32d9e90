import { beforeAll, describe, expect, test } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { samplesOf } from '../../lib/baselines/baselines-rows.js'
import { segments } from '../../lib/data/segments.js'
import { makeWindows, type Reach, type Windows } from '../../lib/data/windows.js'
import { type NativeModel, native, type TrainerOptions } from '../../lib/native.js'
import type { Architecture } from '../../lib/spec/architecture.js'
import { useThreads } from '../../lib/torch/device.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { baseOf } from '../files/fixture.js'
import { apart, build, contexts, DIM, predict } from './tiny.js'

/** Articles of unequal length: some with one target, one as long as all others together. */
const ARTICLES = [6, 31, 6, 9, 70, 12]
const FIRST = [0, 6, 37, 43, 52, 122]
const ROWS = ARTICLES.reduce((a, b) => a + b, 0)
const VECTORS = contexts(1, ROWS)
const WHOLE: Reach = { context: 5, history: 'article', minHistory: 5 }

beforeAll(() => void useThreads(1))

const windowsOf = (reach: Reach): Windows => ({ ...makeWindows(baseOf(ARTICLES), reach), dim: DIM })
const baseWith = (vectors: Float32Array) => ({ ...baseOf(ARTICLES), dim: DIM, vectors: Tensor.from(vectors, [ROWS, DIM]) })
const all = ({ count }: Windows) => Int32Array.from({ length: count }, (_, i) => i)
const samples = (windows: Windows, vectors = VECTORS) => samplesOf({ base: baseWith(vectors), windows })

/** Unit predictions of windows, in batches of unequal contexts. */
async function inBatches(model: NativeModel, windows: Windows, ids = all(windows), vectors = VECTORS): Promise<Float64Array> {
  using raw = Tensor.wrap(await native.predict(model, samples(windows, vectors), ids, 64))
  const out = Float64Array.from((await raw.data()) as Float32Array)
  for (let at = 0; at < out.length; at += DIM) {
    const norm = Math.hypot(...out.subarray(at, at + DIM))
    for (let d = at; d < at + DIM; d++) out[d]! /= norm
  }
  return out
}

/** The predictions of windows that are read one after the other. */
async function oneByOne(model: NativeModel, { first, length, context, count }: Windows): Promise<Float64Array> {
  const out = new Float64Array(count * DIM)
  for (let i = 0; i < count; i++) {
    const x = VECTORS.slice(first[i]! * DIM, (first[i]! + (length?.[i] ?? context)) * DIM)
    out.set(await predict(model, x, 1), i * DIM)
  }
  return out
}

/** The predictions of all targets, from articles that are read one vector at a time. */
async function stepped(model: NativeModel, { target, count }: Windows): Promise<Float64Array> {
  const out = new Float64Array(count * DIM)
  const place = new Map(Array.from(target, (row, i) => [row, i]))
  for (const [article, rows] of ARTICLES.entries()) {
    const stepper = native.stepper(model, 1)
    for (let row = FIRST[article]!; row < FIRST[article]! + rows - 1; row++) {
      using x = Tensor.from(VECTORS.slice(row * DIM, (row + 1) * DIM), [1, DIM])
      using y = Tensor.wrap(await native.stepperStep(stepper, x.native))
      const i = place.get(row + 1)
      if (i !== undefined) out.set((await y.data()) as Float32Array, i * DIM)
    }
    native.dispose(stepper)
  }
  return out
}

const TRAINER: TrainerOptions = {
  ...{ batch: 64, accumulate: 1, vectors: 4096, loss: 'mse', bf16: false, sequence: false, recompute: false, seed: 1 },
  ...{ weightDecay: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, clip: 1, ema: 0 },
} as TrainerOptions

/** Loss and gradient norm of one training step over the given windows, which does not change the model. */
async function trainingStep(
  model: NativeModel,
  windows: Windows,
  ids: Int32Array,
  o: Partial<TrainerOptions>,
  vectors = VECTORS,
) {
  const trainer = await native.trainer(model, samples(windows, vectors), ids, { ...TRAINER, ...o })
  await native.trainerRun(trainer, 1, 0, Float64Array.of(0))
  const { loss, gradNorm } = native.trainerSums(trainer)
  native.dispose(trainer)
  return { loss: loss / ids.length, gradNorm }
}

const still = ({ fields, presets }: Architecture) => ({ ...presets.tiny, ...('dropout' in fields && { dropout: 0 }) })
const open = architectures.filter(({ fixedContext }) => fixedContext === undefined)
const causal = open.filter((a) => a.causal && a.leak === undefined)
const named = (list: readonly Architecture[]) => list.map((a) => [a.name, a] as const)
/** Largest difference between two ways through the same float32 model. */
const SAME = 1e-5

describe.each(named(open))('%s', (_, a) => {
  const windows = windowsOf(WHOLE)
  const exact = SAME + (a.leak ?? 0)

  test('contexts of unequal length in one batch give the predictions of contexts that are read alone', async () => {
    const model = await build(a)
    expect(new Set(windows.length).size).toBeGreaterThan(30)
    expect(apart(await inBatches(model, windows), await oneByOne(model, windows))).toBeLessThan(exact)
  })

  test('an article that changes moves no prediction of another article', async () => {
    const model = await build(a)
    const changed = VECTORS.slice()
    changed.set(contexts(1, ARTICLES[1]!, 7), FIRST[1]! * DIM)
    const before = await inBatches(model, windows)
    const after = await inBatches(model, windows, undefined, changed)
    const rows = (own: boolean, from: Float64Array) =>
      [...all(windows)]
        .filter((i) => (windows.article[i] === 1) === own)
        .flatMap((i) => [...from.subarray(i * DIM, (i + 1) * DIM)])
    expect(rows(false, after)).toEqual(rows(false, before))
    expect(apart(rows(true, after), rows(true, before))).toBeGreaterThan(1e-3)
  })

  test('a training step over several articles has the mean of the losses of each alone', async () => {
    const model = await build(a, still(a))
    const [one, other] = [1, 3].map((article) => all(windows).filter((i) => windows.article[i] === article)) as [
      Int32Array,
      Int32Array,
    ]
    const sum = async (o: Partial<TrainerOptions>) => {
      const parts = [await trainingStep(model, windows, one, o), await trainingStep(model, windows, other, o)]
      return (parts[0]!.loss * one.length + parts[1]!.loss * other.length) / (one.length + other.length)
    }
    const both = Int32Array.from([...one, ...other])
    const { loss } = await trainingStep(model, windows, both, {})
    expect(Math.abs(loss - (await sum({})))).toBeLessThan(1e-6)
  })
})

describe.each(named(causal))('%s', (_, a) => {
  const windows = windowsOf(WHOLE)

  test('articles that are read one vector at a time give the predictions of their windows', async () => {
    const model = await build(a)
    expect(apart(await stepped(model, windows), await inBatches(model, windows))).toBeLessThan(SAME)
  })

  test('articles that are read once have the loss and gradient of all their windows', async () => {
    const model = await build(a, still(a))
    const once = segments(windows, 4096)
    const last = await trainingStep(model, windows, all(windows), { batch: windows.count })
    const sequence = await trainingStep(model, once, all(once), { sequence: true, groups: ARTICLES.length })
    expect(Math.abs(sequence.loss / last.loss - 1)).toBeLessThan(SAME)
    expect(Math.abs(sequence.gradNorm / last.gradNorm - 1)).toBeLessThan(1e-4)
    const alone = all(once).filter((i) => once.article[i] === 4)
    const changed = VECTORS.slice()
    changed.set(contexts(1, ARTICLES[3]!, 7), FIRST[3]! * DIM)
    const own = await trainingStep(model, once, alone, { sequence: true, groups: 1 })
    expect(await trainingStep(model, once, alone, { sequence: true, groups: 1 }, changed)).toEqual(own)
    const rest = all(once).filter((i) => once.article[i] !== 4)
    const others = await trainingStep(model, once, rest, { sequence: true, groups: ARTICLES.length })
    const mixed = (own.loss * alone.length + others.loss * rest.length) / once.count
    expect(Math.abs(sequence.loss - mixed)).toBeLessThan(1e-6)
  })
})
