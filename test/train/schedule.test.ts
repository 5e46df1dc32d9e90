import { describe, expect, it } from 'vitest'
import { resolve } from '../../lib/options.js'
import type { TrainSettings } from '../../lib/train/recipe.js'
import { afterEpoch, extended, freshSchedule, planned, rates, type ScheduleState, totalSteps } from '../../lib/train/schedule.js'
import { trainFields } from '../../lib/train/train-fields.js'

const settings = (given: Record<string, unknown>) => resolve('train', trainFields, given) as TrainSettings

/** Learning rates after each of the given validation losses. */
function plateau(losses: readonly number[], given: Record<string, unknown> = {}): number[] {
  const o = settings(given)
  let state: ScheduleState = freshSchedule(o.lr)
  return losses.map((loss) => {
    state = afterEpoch(o, state, loss)
    return state.lr
  })
}

describe('plateau, by hand as torch.optim.lr_scheduler.ReduceLROnPlateau', () => {
  const lr = 5e-4
  it('the plateau schedule keeps the rate while the loss falls', () => {
    expect(plateau([5, 4, 3, 2, 1])).toEqual([lr, lr, lr, lr, lr])
  })
  it('the plateau schedule halves the rate after more than 3 bad epochs, then counts again', () => {
    const half = lr / 2
    const quarter = lr / 4
    expect(plateau([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])).toEqual([lr, lr, lr, lr, half, half, half, half, quarter, quarter])
  })
  it('the plateau schedule ignores improvements of less than 0.01 %', () => {
    expect(plateau([1, 0.99995, 0.9999, 0.9999, 0.9999])).toEqual([lr, lr, lr, lr, lr / 2])
    expect(plateau([1, 0.99995, 0.9999, 0.99989, 0.99989])).toEqual([lr, lr, lr, lr, lr])
  })
  it('the plateau schedule resets its count after a better epoch', () => {
    expect(plateau([1, 2, 2, 2, 0.5, 2, 2, 2, 2])).toEqual([lr, lr, lr, lr, lr, lr, lr, lr, lr / 2])
  })
  it('the plateau schedule uses --plateau-factor and --plateau-patience', () => {
    const rates = plateau([1, 1, 1, 1], { plateauFactor: 0.1, plateauPatience: 0 })
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(lr * 0.1 ** i, 15)
  })
  it('the plateau schedule makes no change below 1e-8', () => {
    const rates = plateau(Array(60).fill(1), { plateauPatience: 0 })
    expect(rates.at(-1)).toBe(rates.at(-2))
    expect(rates.at(-1)! / 2).toBeLessThanOrEqual(1e-8)
    expect(rates.at(-1)).toBeGreaterThan(1e-8)
  })
  it('other schedules do not react to the validation loss', () => {
    expect(plateau([1, 1, 1, 1, 1, 1], { schedule: 'constant' })).toEqual(Array(6).fill(lr))
  })
})

describe('warm-up and cosine', () => {
  const o = settings({ schedule: 'warmup-cosine', warmup: 0.1, lr: 0.01 })
  const at = (from: number, count: number, total: number) => [
    ...rates(o, { schedule: freshSchedule(0.01), plan: planned(total) }, from, count),
  ]

  it('the warmup-cosine rate rises linearly to --lr, then falls along half a cosine to nearly zero', () => {
    const all = at(0, 100, 100)
    for (const [i, rate] of all.slice(0, 10).entries()) expect(rate).toBeCloseTo(0.001 * (i + 1), 12)
    expect(all[10]).toBe(0.01)
    expect(all[55]).toBeCloseTo(0.005, 12) // half way: cos(π/2) = 0
    expect(all[40]).toBeCloseTo(0.01 * 0.75, 12) // a third: cos(π/3) = 1/2
    expect(all[99]).toBeCloseTo(0.005 * (1 + Math.cos((Math.PI * 89) / 90)), 12)
    expect(all.slice(10).every((rate, i, rest) => i === 0 || rate < rest[i - 1]!)).toBe(true)
  })
  it('warmup-cosine rates are the same when computed in parts', () => {
    expect([...at(0, 7, 50), ...at(7, 1, 50), ...at(8, 42, 50)]).toEqual(at(0, 50, 50))
  })
  it('warmup-cosine rates are never negative, and one step does not divide by zero', () => {
    expect(at(0, 1, 1)).toEqual([0.01])
    expect(at(120, 1, 100)).toEqual([0])
    expect(at(0, 3, 0).every(Number.isFinite)).toBe(true)
  })
})

describe('a run that goes on', () => {
  const cosine = { schedule: 'warmup-cosine', warmup: 0.1, lr: 0.01 }
  const schedule = freshSchedule(0.01)
  const of = (plan: ReturnType<typeof planned>, from: number, count: number) => [
    ...rates(settings(cosine), { schedule, plan }, from, count),
  ]
  const further = (extend: string | undefined, total: number, done: number, plan = planned(100)) => [
    ...extended(settings({ ...cosine, extend, resume: true }), plan, total, done),
  ]

  it('a resumed run keeps its plan up to the planned steps', () => {
    expect(further(undefined, 40, 20)).toEqual(planned(100))
    expect(further(undefined, 100, 100)).toEqual(planned(100))
  })
  it('a resumed run is refused beyond the planned steps, with the three ways to extend it', () => {
    for (const done of [1, 50, 100]) expect(() => further(undefined, 101, done)).toThrow(/at most 100 steps.*received 101/)
  })
  it('a run without steps can be planned again', () => {
    expect(further(undefined, 300, 0)).toEqual(planned(300))
  })
  it('--extend constant keeps the last rate', () => {
    const plan = further('constant', 150, 60)
    expect(of(plan, 0, 100)).toEqual(of(planned(100), 0, 100))
    expect(of(plan, 100, 50)).toEqual(Array(50).fill(of(planned(100), 99, 1)[0]))
  })
  it('--extend restart runs warm-up and cosine over the new steps', () => {
    const plan = further('restart', 150, 100)
    expect(of(plan, 0, 150)).toEqual([...of(planned(100), 0, 100), ...of(planned(50), 0, 50)])
  })
  it('--extend replan continues on one cosine over all steps', () => {
    const plan = further('replan', 200, 70)
    expect(of(plan, 0, 200)).toEqual([...of(planned(100), 0, 70), ...of(planned(200), 70, 130)])
  })
  it('a run can be extended repeatedly', () => {
    const restarted = further('restart', 150, 100)
    const constant = further('constant', 180, 150, restarted)
    expect(constant.map(({ kind }) => kind)).toEqual(['planned', 'restart', 'constant'])
    expect(of(constant, 150, 30)).toEqual(Array(30).fill(of(planned(50), 49, 1)[0]))
    const twice = further('constant', 200, 180, constant)
    expect(of(twice, 180, 20)).toEqual(of(constant, 160, 20))
    expect(() => further(undefined, 181, 180, constant)).toThrow(/at most 180 steps/)
  })
  it('resume accepts the interrupted command again', () => {
    const plan = further('restart', 150, 100)
    expect(further('restart', 150, 120, plan)).toEqual(plan)
    expect(() => further('constant', 150, 120, plan)).toThrow(/up to step 150/)
    expect(() => further('restart', 90, 80)).toThrow(/up to step 100/)
  })
  it('resume needs no --extend where the rate does not depend on the plan', () => {
    for (const name of ['plateau', 'constant']) {
      expect(extended(settings({ schedule: name }), planned(100), 150, 100)).toEqual(planned(150))
      expect(() => extended(settings({ schedule: name, extend: 'restart' }), planned(100), 150, 100)).toThrow(/warmup-cosine/)
    }
  })
  it('a training has the steps of its epochs, limited by --max-steps', () => {
    expect(totalSteps(settings({ epochs: 3 }), 7)).toBe(21)
    expect(totalSteps(settings({ epochs: 3, maxSteps: 9 }), 7)).toBe(9)
  })
})
