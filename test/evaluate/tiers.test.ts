import { describe, expect, it } from 'vitest'
import { judgeTiers } from '../../lib/evaluate/tiers.js'

const lstm = { val_loss: 0.000504, val_cosine: 0.783, train_seconds: 600, weights_bytes: 20_483_072 }
const passes = (figures: Parameters<typeof judgeTiers>[0]) => Object.values(judgeTiers(figures)).map(({ pass }) => pass)

describe('judgeTiers', () => {
  it('the tiers of the rows in the specification are those that the specification gives them', () => {
    expect(passes(lstm)).toEqual([true, true, false])
    expect(passes({ ...lstm, val_loss: 0.000498, val_cosine: 0.78601 })).toEqual([true, true, true])
    expect(judgeTiers(lstm).target.criteria).toEqual({
      val_loss: { value: 0.000504, limit: 0.0006, pass: true },
      val_cosine: { value: 0.783, limit: 0.75, pass: true },
      train_seconds: { value: 600, limit: 7200, pass: true },
    })
  })
  it('a tier needs a cosine above its limit and all other figures below theirs', () => {
    expect(judgeTiers({ ...lstm, val_cosine: 0.7 }).minimum.pass).toBe(false)
    expect(judgeTiers({ ...lstm, val_loss: 0.001 }).minimum.pass).toBe(false)
    expect(judgeTiers({ ...lstm, train_seconds: 4 * 3600 }).minimum.pass).toBe(false)
    expect(judgeTiers({ ...lstm, weights_bytes: 2e9 }).minimum.pass).toBe(false)
  })
  it('a verdict is null while a figure is missing, unless another figure fails', () => {
    expect(passes({ ...lstm, train_seconds: null })).toEqual([null, null, false])
    expect(passes({ ...lstm, train_seconds: null, val_loss: 0.5 })).toEqual([false, false, false])
  })
})
