import { describe, expect, it } from 'vitest'
import { resolve } from '../../lib/options.js'
import { trainFields } from '../../lib/train/fields.js'
import { afterEpoch, freshSchedule, rates, type ScheduleState } from '../../lib/train/schedule.js'

const settings = (given: Record<string, unknown>) => resolve('train', trainFields, given)

/** The learning rate after each of these validation losses. */
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
  it('keeps the rate while the loss falls', () => {
    expect(plateau([5, 4, 3, 2, 1])).toEqual([lr, lr, lr, lr, lr])
  })
  it('waits for more than 3 bad epochs, then halves, then counts anew', () => {
    const half = lr / 2
    const quarter = lr / 4
    expect(plateau([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])).toEqual([lr, lr, lr, lr, half, half, half, half, quarter, quarter])
  })
  it('takes only a fall by more than a ten-thousandth as one', () => {
    expect(plateau([1, 0.99995, 0.9999, 0.9999, 0.9999])).toEqual([lr, lr, lr, lr, lr / 2])
    expect(plateau([1, 0.99995, 0.9999, 0.99989, 0.99989])).toEqual([lr, lr, lr, lr, lr])
  })
  it('starts counting again after a better epoch', () => {
    expect(plateau([1, 2, 2, 2, 0.5, 2, 2, 2, 2])).toEqual([lr, lr, lr, lr, lr, lr, lr, lr, lr / 2])
  })
  it('has a factor and a patience', () => {
    const rates = plateau([1, 1, 1, 1], { plateauFactor: 0.1, plateauPatience: 0 })
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(lr * 0.1 ** i, 15)
  })
  it('stops where a change would be below 1e-8', () => {
    const rates = plateau(Array(60).fill(1), { plateauPatience: 0 })
    expect(rates.at(-1)).toBe(rates.at(-2))
    expect(rates.at(-1)! / 2).toBeLessThanOrEqual(1e-8)
    expect(rates.at(-1)).toBeGreaterThan(1e-8)
  })
  it('is not what other schedules do', () => {
    expect(plateau([1, 1, 1, 1, 1, 1], { schedule: 'constant' })).toEqual(Array(6).fill(lr))
  })
})

describe('warm-up and cosine', () => {
  const o = settings({ schedule: 'warmup-cosine', warmup: 0.1, lr: 0.01 })
  const at = (from: number, count: number, total: number) => [...rates(o, freshSchedule(0.01), from, count, total)]

  it('rises evenly to the full rate, then falls along half a cosine to almost nothing', () => {
    const all = at(0, 100, 100)
    for (const [i, rate] of all.slice(0, 10).entries()) expect(rate).toBeCloseTo(0.001 * (i + 1), 12)
    expect(all[10]).toBe(0.01)
    expect(all[55]).toBeCloseTo(0.005, 12) // half way: cos(π/2) = 0
    expect(all[40]).toBeCloseTo(0.01 * 0.75, 12) // a third: cos(π/3) = 1/2
    expect(all[99]).toBeCloseTo(0.005 * (1 + Math.cos((Math.PI * 89) / 90)), 12)
    expect(all.slice(10).every((rate, i, rest) => i === 0 || rate < rest[i - 1]!)).toBe(true)
  })
  it('is the same in parts', () => {
    expect([...at(0, 7, 50), ...at(7, 1, 50), ...at(8, 42, 50)]).toEqual(at(0, 50, 50))
  })
  it('does not end below zero, nor divide by it', () => {
    expect(at(0, 1, 1)).toEqual([0.01])
    expect(at(120, 1, 100)).toEqual([0])
    expect(at(0, 3, 0).every(Number.isFinite)).toBe(true)
  })
})
