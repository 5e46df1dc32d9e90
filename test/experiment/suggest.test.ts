import { describe, expect, it } from 'vitest'
import {
  type Domain,
  type Observation,
  positionOf,
  type Spaces,
  type Suggestion,
  valueAt,
} from '../../lib/experiment/search-space.js'
import { STARTUP, sameAs, suggest } from '../../lib/experiment/suggest.js'

const range = (min: number, max: number, log = false, integer = false): Domain => ({ kind: 'range', min, max, log, integer })
const of = (domain: Domain, when = {}) => ({ domain, when })
const SPACES: Spaces = {
  lstm: {
    fixed: { preset: 'tiny' },
    search: { lr: of(range(1e-5, 1, true)), dropout: of(range(0, 0.9)), layers: of(range(1, 6, false, true)) },
  },
  gru: { fixed: {}, search: { lr: of(range(1e-5, 1, true)), dropout: of(range(0, 0.9)) } },
}
const always = () => true

/** Suggests configurations one after the other, each with the losses of all before; null is random search. */
function searched(
  spaces: Spaces,
  seed: number,
  n: number,
  loss: (s: Suggestion) => number | null,
  isTpe: boolean,
): Observation[] {
  const seen: Observation[] = []
  for (let config = 0; config < n; config++) {
    const made = suggest({ spaces, seed, config, taken: new Set(seen.map(sameAs)), seen: isTpe ? seen : null, isValid: always })
    if (made === undefined) break
    seen.push({ ...made, loss: loss(made) })
  }
  return seen
}
const best = (seen: readonly Observation[]) => Math.min(...seen.map(({ loss }) => loss ?? Infinity))
/** A bowl around lr .003, dropout .3, 4 layers of an LSTM. */
const bowl = ({ model, options }: Suggestion) =>
  (Math.log10(Number(options.lr)) + 2.5) ** 2 +
  4 * (Number(options.dropout) - 0.3) ** 2 +
  (model === 'gru' ? 0.5 : ((Number(options.layers) - 4) / 3) ** 2)

describe('values of a domain', () => {
  it.each([
    range(1e-5, 1, true),
    range(-3, 7),
    range(1, 6, false, true),
    range(1, 1000, true, true),
    { kind: 'list', values: ['a', 3, true] } as Domain,
  ])('positions cover %j, and a value has its own position', (domain) => {
    for (let i = 0; i < 1000; i++) {
      const value = valueAt(domain, i / 1000)
      const place = positionOf(domain, value)
      expect(place).toBeGreaterThanOrEqual(0)
      expect(place).toBeLessThanOrEqual(1)
      expect(valueAt(domain, Math.min(place, 1 - 1e-12))).toEqual(value)
      if (domain.kind === 'range') expect(Number(value)).toBeGreaterThanOrEqual(domain.min)
      if (domain.kind === 'range') expect(Number(value)).toBeLessThanOrEqual(domain.max)
    }
  })
  it('every integer of a range is drawn equally often', () => {
    const counts = new Map<unknown, number>()
    for (let i = 0; i < 6000; i++)
      counts.set(valueAt(range(1, 6, false, true), i / 6000), (counts.get(valueAt(range(1, 6, false, true), i / 6000)) ?? 0) + 1)
    expect([...counts.values()]).toEqual([1000, 1000, 1000, 1000, 1000, 1000])
  })
})

describe('suggestions', () => {
  it.each([true, false])('the same seed and results give the same suggestions, another seed gives others (TPE: %s)', (isTpe) => {
    const names = (seed: number) => searched(SPACES, seed, 20, bowl, isTpe).map(sameAs)
    expect(names(1)).toEqual(names(1))
    expect(names(1)).not.toEqual(names(2))
    expect(new Set(names(1)).size).toBe(20)
  })
  it('TPE finds better configurations than random search with as many runs', () => {
    const seeds = Array.from({ length: 16 }, (_, i) => i)
    const tpe = seeds.map((seed) => best(searched(SPACES, seed, 40, bowl, true)))
    const random = seeds.map((seed) => best(searched(SPACES, seed, 40, bowl, false)))
    const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length
    console.log(`best of 40: TPE ${mean(tpe).toFixed(4)}, random ${mean(random).toFixed(4)}`)
    expect(mean(tpe)).toBeLessThan(0.6 * mean(random))
    expect(seeds.filter((seed) => tpe[seed]! < random[seed]!).length).toBeGreaterThan(10)
  })
  it('TPE counts failed configurations as the worst', () => {
    const failing = (s: Suggestion) => (s.model === 'gru' ? null : bowl(s))
    const seen = searched(SPACES, 3, 40, failing, true).slice(STARTUP)
    expect(seen.filter(({ model }) => model === 'gru').length).toBeLessThan(8)
  })
  it('an option whose condition does not hold is left out, and so are options that depend on it', () => {
    const spaces: Spaces = {
      lstm: {
        fixed: {},
        search: {
          schedule: of({ kind: 'list', values: ['constant', 'warmup-cosine'] }),
          warmup: of(range(0, 0.5), { schedule: ['warmup-cosine'] }),
          ema: of(range(0.9, 0.99), { warmup: [0.123] }),
        },
      },
    }
    for (const { options } of searched(spaces, 1, 40, () => 0, false)) {
      expect('warmup' in options).toBe(options.schedule === 'warmup-cosine')
      expect('ema' in options).toBe(false)
    }
  })
  it('invalid configurations are skipped, and a small space is exhausted without repetition', () => {
    const spaces: Spaces = { lstm: { fixed: {}, search: { layers: of({ kind: 'list', values: [1, 2, 3, 4] }) } } }
    const seen: Suggestion[] = []
    for (let config = 0; ; config++) {
      const made = suggest({
        spaces,
        seed: 0,
        config,
        taken: new Set(seen.map(sameAs)),
        seen: null,
        isValid: ({ options }) => options.layers !== 3,
      })
      if (made === undefined) break
      seen.push(made)
    }
    expect(seen.map(({ options }) => options.layers).sort()).toEqual([1, 2, 4])
  })
})
