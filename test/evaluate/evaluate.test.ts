import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import type { Rows } from '../../lib/baselines/baselines-rows.js'
import { type EvaluateOptions, evaluateRun, type JudgedRows, type Subject } from '../../lib/evaluate/evaluate.js'
import { type NativeModel, native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { referenceScores } from './reference.js'
import { rowsOf, split, synthetic, targetOf } from './synthetic.js'

const DIM = 16
const data = synthetic({ dim: DIM, context: 4, lengths: new Array(60).fill(14), seed: 2 })
const isJudged = (article: number) => article % 2 === 0
let train: Rows
let judged: JudgedRows
const models: NativeModel[] = []

const judgedRows = (rows: Rows): JudgedRows => ({
  ...rows,
  base: { ...rows.base, path: 'synthetic.npy', space: undefined, contentHash: async () => 'rows' },
  part: 'val',
  split: { mode: 'articles', leaky: false, seed: 0 },
  selectedOn: true,
  trainedOn: 0,
})

beforeAll(() => {
  native.setThreads(1)
  train = rowsOf(data, (a) => !isJudged(a))
  judged = judgedRows(rowsOf(data, isJudged))
})
afterAll(() => {
  for (const model of models) native.dispose(model)
})

async function subject(residual: 'none' | 'mean', output: 'raw' | 'unit' = 'raw'): Promise<Subject> {
  const { node } = findArchitecture('lstm').spec({ dim: DIM, context: 4 }, { width: 8, residual })
  const handle = await native.model(node, 'float32', 'cpu', 7)
  models.push(handle)
  return {
    run: `lstm_${residual}`,
    model: 'lstm',
    handle,
    device: 'cpu',
    output,
    parameters: 1000,
    weights: 'f'.repeat(64),
    weightsBytes: 4000,
    fileBytes: 5000,
    trainSeconds: 60,
    loadMs: 12,
  }
}
const options = (o: Partial<EvaluateOptions> = {}): EvaluateOptions => ({ train, batch: 64, latency: 0, ...o })

describe('evaluateRun', () => {
  it('evaluateRun equals a float64 reference computed from the same predictions within 1e-9', async () => {
    const lstm = await subject('none')
    const entry = await evaluateRun(lstm, judged, options())
    const samples = native.samples(judged.base.vectors.native, null, data.first, data.target, 4)
    using raw = Tensor.wrap(await native.predict(lstm.handle, samples, judged.ids, 64))
    const predictions = split((await raw.data()) as Float32Array, DIM)
    const targets = [...judged.ids].map((id) => targetOf(data, id))
    const trained = [...train.ids].map((id) => targetOf(data, id))
    const centre = Float64Array.from({ length: DIM }, (_, d) => trained.reduce((sum, v) => sum + v[d]!, 0) / trained.length)
    const scores = referenceScores(predictions, targets, centre)
    const mean = (v: Float64Array) => v.reduce((a, b) => a + b, 0) / v.length
    expect(entry.cosine.mean).toBeCloseTo(mean(scores.cosine), 9)
    expect(entry.cosine_centred).toBeCloseTo(mean(scores.cosineCentred), 9)
    expect(entry.mse_raw).toBeCloseTo(mean(scores.mseRaw), 9)
    expect(entry.mse_unit).toBeCloseTo(mean(scores.mseUnit), 9)
    expect(entry.output_norm.mean).toBeCloseTo(mean(scores.norm), 9)
    expect(entry).toMatchObject({ n: 300, articles: 30, rows: 'val', selected_on: true, latency: null, train_seconds: 60 })
    expect(entry.tiers!.minimum.criteria.val_loss!.value).toBe(entry.mse_raw)
    expect(entry.skill!.value).toBeCloseTo(entry.cosine.mean - entry.baselines[entry.skill!.against]!.cosine, 12)
  })
  it('a model that outputs the context mean gets the figures of the context mean', async () => {
    const entry = await evaluateRun(await subject('mean'), judged, options()) // the head's weights are zero before training
    expect(entry.cosine.mean).toBeCloseTo(entry.baselines.context_mean!.cosine, 6)
    expect(entry.mse_raw).toBeCloseTo(entry.baselines.context_mean!.mse_raw, 7)
    expect(entry.skill!.value).toBeLessThanOrEqual(1e-6)
  })
  it('figures of a run do not depend on the batch size', async () => {
    const lstm = await subject('none')
    const [one, other] = [
      await evaluateRun(lstm, judged, options({ batch: 7 })),
      await evaluateRun(lstm, judged, options({ batch: 300 })),
    ]
    expect(one.cosine.mean).toBeCloseTo(other.cosine.mean, 7)
    expect(one.mse_raw).toBeCloseTo(other.mse_raw!, 7)
  })
  it('the loss of a unit-trained run is its unit loss', async () => {
    const entry = await evaluateRun(await subject('none', 'unit'), judged, options())
    expect(entry.mse_raw).toBe(null)
    expect(entry.tiers!.minimum.criteria.val_loss!.value).toBe(entry.mse_unit)
  })
  it('evaluateRun measures the latency of the model', async () => {
    const { latency } = await evaluateRun(await subject('none'), judged, options({ latency: 0.05, train: undefined }))
    expect(latency).toMatchObject({ device: 'cpu', threads: native.threads(), load_ms: 12 })
    expect(latency!.batches.map(({ batch }) => batch)).toEqual([1, 8, 32, 128])
    for (const { p50_ms, calls } of latency!.batches) expect([p50_ms > 0, calls > 0]).toEqual([true, true])
  })
  it('a run without known training rows is compared with baselines that need no fitting', async () => {
    const entry = await evaluateRun(await subject('none'), judged, options({ train: undefined }))
    expect(Object.keys(entry.baselines)).toEqual(['copy_last', 'context_mean'])
    expect(entry.cosine_centred).toBe(null)
  })
  it('evaluateRun refuses an empty set of windows and outputs that are not finite', async () => {
    const lstm = await subject('none')
    await expect(evaluateRun(lstm, { ...judged, ids: new Int32Array() }, options())).rejects.toMatchObject({
      code: 'DATA_TOO_FEW',
    })
    using weight = Tensor.wrap(native.modelState(lstm.handle)[0]!.tensor)
    await weight.op('aten::fill_.Scalar', Number.NaN)
    await expect(evaluateRun(lstm, judged, options())).rejects.toMatchObject({ code: 'DIVERGED' })
  })
})
