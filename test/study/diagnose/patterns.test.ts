import { beforeAll, describe, expect, it } from 'vitest'
import { meanTarget } from '../../../lib/baselines/baselines-rows.js'
import { native } from '../../../lib/native.js'
import { PATTERNS } from '../../../lib/study/diagnose/patterns.js'
import { cases } from '../../cases.js'
import {
  type Corpora,
  constant,
  contextMean,
  copyLast,
  corpora,
  examined,
  history,
  knower,
  memoriser,
  scaled,
  turned,
  untrained,
} from './planted-predictors.js'

let w: Corpora
beforeAll(async () => {
  native.setThreads(1)
  w = await corpora()
})

describe('a good predictor has no finding of level fail', () => {
  it.each(
    cases(
      [
        { dim: 8, articles: 40, seed: 1 },
        { dim: 16, articles: 60, seed: 2 },
        { dim: 16, articles: 16, seed: 3 },
        { dim: 96, articles: 50, seed: 4 },
        { dim: 24, articles: 44, context: 1, seed: 5 },
        { dim: 24, articles: 44, context: 12, length: 30, seed: 6 },
      ],
      ...[0, 5],
    ),
  )('doctor reports no failure for good predictors of %o', async (size) => {
    const sound = await corpora(size)
    for (const read of [sound.ridge, await knower(sound, 0), await knower(sound, 0, 1)]) {
      const { findings } = await examined(sound, read)
      expect(findings.filter(({ level }) => level === 'fail')).toEqual([])
    }
    if (size.context !== 1) {
      const { findings } = await examined(sound, contextMean)
      expect(findings.filter(({ level }) => level === 'fail')).toEqual([])
    }
  })
  it('doctor reports no failure for an oracle', async () => {
    const { verdict, facts } = await examined(w, await knower(w, 0))
    expect(verdict).toBe('PASS')
    expect(facts.cosine.value).toBeCloseTo(1, 5)
    expect(facts.identification.value).toBeGreaterThan(0.999)
  })
})

describe('doctor names the planted failure', () => {
  const named = async (code: string, ...args: Parameters<typeof examined>) => {
    const { codes, verdict } = await examined(...args)
    expect(codes).toContain(code)
    const { level } = PATTERNS.find((p) => p.code === code)!
    if (level === 'fail') expect(verdict).toBe('FAIL')
    return codes
  }
  it('doctor reports a predictor that copies the last vector as copying', async () => {
    const codes = await named('copying', w, copyLast)
    expect(codes).toContain('below-baseline')
    expect(codes).toContain('last-only')
  })
  it('doctor reports a predictor of the mean vector as mean-seeking', async () => {
    using mean = await meanTarget(w.train)
    const vector = [...((await mean.data()) as Float64Array)]
    await named('mean-seeking', w, constant(vector))
    await named('mean-seeking', w, constant(vector, w.ridge, 0.02))
  })
  it('doctor reports a predictor with almost constant output as collapse', async () => {
    const vector = Array.from({ length: w.dim }, (_, d) => (d === 0 ? 1 : 0.1))
    await named('collapse', w, constant(vector))
    await named(
      'collapse',
      w,
      constant(
        vector.map((x) => 5 * x),
        w.ridge,
      ),
    )
  })
  it('doctor reports untrained weights as flat', async () => {
    const wide = await corpora({ dim: 64 })
    await named('flat', wide, untrained(wide))
  })
  it('doctor reports a predictor with the wrong sign as sign-flipped', async () => {
    const codes = await named('sign-flipped', w, scaled(w.ridge, -1))
    for (const code of ['flat', 'off-by-one', 'copying', 'reads-backwards']) expect(codes).not.toContain(code)
    for (const predictor of [copyLast, contextMean, await knower(w, 0, 1)])
      expect((await examined(w, scaled(predictor, -1))).codes).not.toContain('off-by-one')
  })
  it('doctor reports undertrained instead of flat when training never had a higher cosine', async () => {
    const wide = await corpora({ dim: 64 })
    const read = scaled(untrained(wide), 0.1)
    const measured = (await examined(wide, read)).facts.cosine.value
    const own = { own: true, history: history([0, measured], 1) }
    for (const options of [own, { ...own, own: false }]) {
      const { codes, findings, verdict } = await examined(wide, read, options)
      expect(codes).toContain('undertrained')
      expect(codes).not.toContain('flat')
      expect(codes).not.toContain('foreign-forward')
      expect(findings.map(({ why }) => why).join()).not.toMatch(/not loaded|foreign/)
      expect(verdict).toBe('WARN')
    }
    const other = await examined(wide, read, { history: history([0, 0.7], 1) })
    expect(other.findings.find(({ code }) => code === 'flat')!.why).toMatch(/weights are those of the training/)
  })
  it('doctor reports a predictor of the row after the target as off-by-one', async () => {
    await named('off-by-one', w, await knower(w, 1, 1))
  })
  it('doctor reports a predictor with reversed contexts as reads-backwards', async () => {
    await named('reads-backwards', w, turned(w.ridge))
  })
  it('doctor reports raw outputs that are too long as norm-explosion', async () => {
    await named('norm-explosion', w, scaled(w.ridge, 20))
    expect((await examined(w, scaled(w.ridge, 20), { output: 'unit' })).codes).not.toContain('norm-explosion')
  })
  it('doctor reports a predictor that memorised its training rows as overfit', async () => {
    const { codes, facts } = await examined(w, await memoriser(w))
    expect(codes).toContain('overfit')
    expect(facts.generalisation!.train).toBeGreaterThan(0.99)
  })
  it('doctor reports training rows among the evaluated ones as leak', async () => {
    const both = { ...w.train, ids: Int32Array.of(...w.train.ids, ...w.judged.ids).sort() }
    await named('leak', w, w.ridge, { train: both })
    await named('leak', w, w.ridge, { leaky: true })
  })
  it('doctor reports skill that vanishes on other data as val-above-ood', async () => {
    const knows = await memoriser({ ...w, train: w.judged }) // it has memorised the evaluated rows
    const elsewhere = await corpora({ seed: 77 })
    await named('val-above-ood', w, knows, { other: { path: 'else.npy', rows: elsewhere.judged } })
    const { codes } = await examined(w, w.ridge, { other: { path: 'else.npy', rows: elsewhere.judged } })
    expect(codes).not.toContain('val-above-ood')
  })
  it('doctor reports a cosine that differs from the history as foreign-forward', async () => {
    const good = await examined(w, w.ridge)
    const measured = good.facts.cosine.value
    await named('foreign-forward', w, untrained(w), { own: true, history: history([0, measured], 1) })
    const { codes } = await examined(w, w.ridge, { own: true, history: history([0, measured], 1) })
    expect(codes).not.toContain('foreign-forward')
  })
  it('doctor reports the patterns of the history', async () => {
    await named('best-at-first', w, w.ridge, { history: history([0, 0.5, 0.4, 0.3], 1) })
    await named('still-improving', w, w.ridge, { history: history([0, 0.3, 0.4, 0.5], 3) })
    await named('nothing-learned', w, w.ridge, { history: history([0.5, 0.5, 0.5], 1) })
    await named('gradient-peak', w, w.ridge, { history: history([0, 0.3, 0.4, 0.5], 3, { gradNorms: [1, 1000, 1] }) })
  })
  it('doctor reports average-lags instead of the patterns it resembles', async () => {
    const lagging = { running: [0.04, 0.03, 0.02], judged: [0.03, 0.031, 0.033, 0.036] }
    const options = { history: history([0.45, 0.44, 0.43, 0.4], 1, lagging), settings: { ema: 0.998, recipe: 'strong' } }
    const codes = await named('average-lags', w, w.ridge, options)
    expect(codes).not.toContain('nothing-learned')
    expect(codes).not.toContain('best-at-first')
    const { findings, facts } = await examined(w, w.ridge, options)
    expect(findings.find(({ code }) => code === 'average-lags')!.fix).toMatch(/"ema" 0 /)
    expect(facts.past.running_loss_change).toBeCloseTo(-0.5, 12)
    expect(facts.past.judged_loss_change).toBeCloseTo(0.2, 12)
    for (const sound of [
      { ...lagging, judged: [0.05, 0.04, 0.03, 0.02] },
      { ...lagging, running: [0.02, 0.03, 0.04] },
    ])
      expect((await examined(w, w.ridge, { history: history([0.4, 0.5, 0.5, 0.5], 3, sound) })).codes).not.toContain(
        'average-lags',
      )
    await named('average-lags', w, w.ridge, { history: history([0.4, 0.3], 1, { running: [0.02], judged: [0.03, 0.035] }) })
  })
  it('doctor advises only options that the run does not have already', async () => {
    const first = history([0, 0.5, 0.4, 0.3], 1)
    const fixes = async (settings: Record<string, unknown> | null) =>
      [await examined(w, copyLast, { history: first, settings }), await examined(w, await memoriser(w), { settings })]
        .flatMap(({ findings }) => findings.map(({ fix }) => fix))
        .join('\n')
    const plain = await fixes({ recipe: 'prd', residual: 'none' })
    for (const option of ['"recipe" strong', '"residual" decay', '"earlyStop"']) expect(plain).toContain(option)
    const made = await fixes({ recipe: 'strong', residual: 'decay', gradient_clip: 1, early_stop: 4 })
    expect(made).not.toMatch(/"recipe" strong|"residual"|"clip" 1|"earlyStop"|undefined/)
  })
  it('doctor reports fewer than 20 articles as few-articles', async () => {
    const codes = await named('few-articles', await corpora({ articles: 12 }), copyLast)
    expect(codes).toContain('copying')
    expect((await examined(await corpora({ articles: 12 }), copyLast)).findings.map(({ fix }) => fix).join()).not.toContain(
      '--rows all',
    )
  })
})

it('doctor refuses a single window and outputs that are not finite', async () => {
  const one = { ...w.judged, ids: w.judged.ids.slice(0, 1) }
  await expect(examined(w, w.ridge, { rows: one })).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
  await expect(examined(w, scaled(w.ridge, Number.NaN))).rejects.toMatchObject({ code: 'DIVERGED' })
})
