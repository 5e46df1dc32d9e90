import { baselineResults } from '../../baselines/baselines.js'
import { fitBaselines } from '../../baselines/baselines-fit.js'
import { meanTarget, samplesOf } from '../../baselines/baselines-rows.js'
import { applyRidge, fitRidge } from '../../baselines/ridge.js'
import { longDoor } from '../../control.js'
import { withFields } from '../../door.js'
import { selftestFields } from '../../evaluate/evaluate-fields.js'
import { metrics } from '../../evaluate/metrics.js'
import { search } from '../../evaluate/search.js'
import { native, type Scores } from '../../native.js'
import { type Given, resolve } from '../../options.js'
import { counted, stage } from '../../stages.js'
import { extremes } from '../../statistics/extremes.js'
import { Tensor } from '../../torch/tensor.js'
import { factsOf } from '../diagnose/diagnose.js'
import { findingsOf, verdictOf } from '../diagnose/diagnosis-findings.js'
import { cosinesOf } from '../diagnose/examined-subject.js'
import type { Facts } from '../diagnose/facts.js'
import type { Finding } from '../diagnose/pattern.js'
import { scoresByWindow } from '../retrieval/retrieval-scores.js'
import { judgeGate, type Trial, tryDirection, tryGate, tryIdentity, tryMetric } from './gates.js'
import { type Scene, scenes } from './scenes.js'
import { predictAs, predictionOf, readAs, STAND_INS, type StandInName, targetsOf } from './stand-ins.js'

/** Result of `selftest`. */
export interface Selftest {
  readonly version: 1
  readonly seed: number
  readonly windows: number
  readonly articles: number
  readonly dim: number
  /** Whether every trial is valid. */
  readonly valid: boolean
  readonly trials: readonly Trial[]
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
const cosine = (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length
const error = (a: ArrayLike<number>, b: (i: number) => number) => extremes(Array.from(a, (x, i) => Math.abs(x - b(i)))).most

/** Figures of one stand-in on a scene, computed by the same functions as those of real runs. */
interface Measured {
  readonly scores: Scores
  readonly facts: Facts
  readonly findings: readonly Finding[]
  readonly skill: { readonly value: number; readonly ci95: readonly [number, number] | null }
}

async function measure(scene: Scene, seed: number): Promise<Record<StandInName, Measured>> {
  const { rows, train } = scene
  const samples = samplesOf(rows)
  const scorer = (raw: Tensor, ids: Int32Array, centre: Tensor | null) =>
    native.score(raw.native, samples, ids, centre?.native ?? null)
  const baselines = await stage('baselines', () => fitBaselines(train))
  const known = await stage('baselines again', () => baselineResults({ train, rows, scorer }))
  using centre = await meanTarget(train)
  const found = {} as Record<StandInName, Measured>
  for (const name of counted(STAND_INS)) {
    using raw = await predictAs(scene, name)(rows.ids)
    const scores = await scorer(raw, rows.ids, centre)
    const articles = rows.ids.map((id) => rows.windows.article[id]!)
    const { skill } = await metrics({ scores, articles, output: 'raw', baselines: known, seed })
    const facts = await stage('facts', async () =>
      factsOf(
        { output: 'unit', read: await readAs(scene, name), predict: () => predictAs(scene, name) },
        { rows, train, baselines, leaky: false, own: false, seed },
      ),
    )
    found[name] = { scores, facts, findings: findingsOf(facts), skill }
  }
  for (const baseline of baselines) baseline.dispose()
  native.dispose(samples)
  return found
}

/** Tests identities between cosine, error and variance of unit vectors. */
async function identities(scene: Scene, measured: Record<StandInName, Measured>): Promise<Trial[]> {
  const { dim, rows } = scene
  const all = Object.values(measured)
  const unit = Math.max(...all.map(({ scores: s }) => error(s.mseUnit, (i) => (2 * (1 - s.cosine[i]!)) / dim)))
  const samples = samplesOf(rows)
  let scaled = 0
  for (const name of STAND_INS) {
    const { cosine } = measured[name].scores
    using raw = await predictAs(scene, name)(rows.ids)
    using length = await raw.op('aten::linalg_vector_norm', 2, [-1], true)
    using direction = await raw.op('aten::div.Tensor', length)
    using scale = Tensor.from(Float32Array.from(cosine), [cosine.length, 1])
    using best = await direction.op('aten::mul.Tensor', scale)
    const { mseRaw } = await native.score(best.native, samples, rows.ids, null)
    scaled = Math.max(
      scaled,
      error(mseRaw, (i) => (1 - cosine[i]! ** 2) / dim),
    )
  }
  native.dispose(samples)
  const variance = Math.max(...all.map(({ facts }) => facts.dispersion.predictions.variance - 1 / dim))
  return [
    tryIdentity('unit MSE = 2 (1 − cos) / dim', unit, 1e-6),
    tryIdentity('best free-scale MSE = (1 − cos²) / dim', scaled, 1e-6),
    tryIdentity('variance of unit vectors ≤ 1 / dim', Math.max(0, variance), 1e-9),
  ]
}

/** Returns the MRR of each window when a stand-in is the query and the context is excluded. */
async function mrrOf(scene: Scene, name: StandInName): Promise<Float64Array> {
  const { base, windows, ids } = scene.rows
  const { context } = scene
  const bank = native.bank(base.vectors.native)
  const pool = {
    base: { path: 'selftest', hash: 'selftest', space: undefined, texts: async () => undefined },
    vectors: base.vectors,
    bank,
    rows: base.vectors.shape[0]!,
    target: ids.map((id) => windows.target[id]!),
    excluded: {
      from: Int32Array.from({ length: ids.length + 1 }, (_, i) => i),
      begin: ids.map((id) => windows.first[id]!),
      end: ids.map((id) => windows.first[id]! + context),
    },
    dispose: () => native.bankDispose(bank),
  }
  const { allowed } = await search(pool, (at, count) => predictAs(scene, name)(ids.subarray(at, at + count)))
  pool.dispose()
  return scoresByWindow(allowed, 'mrr')
}

/** Mean cosine of ridge on a text minus that on the reversed text. */
async function arrow(forward: Scene, backward: Scene): Promise<number> {
  const reached = async ({ train, rows }: Scene) => {
    const fit = await fitRidge(train)
    const cosines = await cosinesOf(rows, (ids) => applyRidge(fit, rows, ids))
    fit.weight.dispose()
    fit.bias.dispose()
    return mean(cosines)
  }
  return (await reached(forward)) - (await reached(backward))
}

async function trialsOf(seed: number): Promise<{ scene: Scene; trials: Trial[] }> {
  const all = scenes(seed)
  const scene = all.directed.forward
  const measured = await stage('predictors', () => measure(scene, seed))
  const truth = targetsOf(scene)
  const said = (name: StandInName) =>
    mean(Array.from(scene.rows.ids, (id, i) => cosine(predictionOf(scene, name, id), truth[i]!)))
  const known = Object.fromEntries(STAND_INS.map((name) => [name, { value: said(name), within: 1e-6 }]))
  const n = scene.rows.ids.length
  const chance = { value: 0.5, within: 0.05 }
  const trials = await stage('trials', async () => [
    await tryMetric('cosine', async (s) => mean(measured[s].scores.cosine), known),
    await tryMetric('cosine_centred', async (s) => mean(measured[s].scores.cosineCentred), {
      oracle: { value: 1, within: 1e-6 },
    }),
    await tryMetric('−mse_unit', async (s) => -mean(measured[s].scores.mseUnit), { oracle: { value: 0, within: 1e-9 } }),
    await tryMetric('skill', async (s) => measured[s].skill.value),
    await tryMetric('gain over the floor', async (s) => measured[s].facts.gain.mean),
    await tryMetric('identification', async (s) => measured[s].facts.identification.value, {
      oracle: { value: 1, within: 0.02 },
      random: chance,
      constant: chance,
    }),
    await tryMetric('retrieval, MRR', async (s) => mean(await mrrOf(scene, s)), { oracle: { value: 1, within: 1e-9 } }),
    await tryGate(
      'better than every baseline',
      async (s) => judgeGate(measured[s].skill.ci95?.[0] ?? null, n, (low) => low > 0),
      {
        expected: { copy_last: 'fail', context_mean: 'fail' },
      },
    ),
    await tryGate(
      'doctor',
      async (s) =>
        judgeGate(measured[s].facts.cosine.value, n, () => verdictOf(measured[s].findings, measured[s].facts) !== 'FAIL'),
      { expected: { copy_last: 'fail', context_mean: 'pass' } },
    ),
    await tryDirection('arrow of time', all, ({ forward, backward }) => arrow(forward, backward), 0.03),
    ...(await identities(scene, measured)),
  ])
  return { scene, trials }
}

/** Options of `selftest`. */
export interface SelftestOptions extends Given<typeof selftestFields> {}

const ARGS = { given: withFields({}) }

/**
 * Tests every metric and every gate with an oracle, copy-last, the context mean, noise and a constant.
 *
 * A gate that the oracle fails, or a metric that does not separate the oracle from noise, is invalid and must not be used.
 * Errors: BAD_OPTION.
 */
export const selftest = longDoor('selftest', ARGS, async (given: SelftestOptions = {}): Promise<Selftest> => {
  const { seed } = resolve('selftest', selftestFields, { ...given })
  const { scene, trials } = await trialsOf(seed)
  const { ids, windows } = scene.rows
  return {
    version: 1,
    seed,
    windows: ids.length,
    articles: new Set(ids.map((id) => windows.article[id]!)).size,
    dim: scene.dim,
    valid: trials.every(({ verdict }) => verdict === 'valid'),
    trials,
  }
})
