import { canonicalJson } from '../files/hash.js'
import {
  active,
  type Domain,
  type Draw,
  type Observation,
  positionOf,
  type Settings,
  type Spaces,
  type Suggestion,
  type Value,
  valueAt,
} from './search-space.js'

/** Candidates that are drawn from the density of the good configurations. */
const CANDIDATES = 24
/** Share of the configurations that count as good, and their greatest number. */
const [GOOD_SHARE, MOST_GOOD] = [0.2, 25]

/** A density over one option, to draw from and to evaluate. */
interface Density {
  readonly draw: (next: Draw) => number
  readonly log: (position: number) => number
}

/** Distribution function of the standard normal. Source: Abramowitz & Stegun 7.1.26, error 1.5e-7. */
function normal(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * z)
  const tail =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-z * z)
  return x < 0 ? tail / 2 : 1 - tail / 2
}

/** Uniform prior plus one normal kernel per observation, cut to [0, 1]; its width is the distance to the farther neighbour. */
function numeric(positions: readonly number[]): Density {
  const at = positions.toSorted((a, b) => a - b)
  const least = 1 / Math.min(100, at.length + 2)
  const kernels = at.map((mean, i) => {
    const width = Math.max(mean - (at[i - 1] ?? 0), (at[i + 1] ?? 1) - mean)
    const sd = Math.min(1, Math.max(least, width))
    return { mean, sd, mass: normal((1 - mean) / sd) - normal(-mean / sd) }
  })
  const density = (x: number) =>
    kernels.reduce((sum, { mean, sd, mass }) => sum + Math.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * 2.5066282746 * mass), 1)
  return {
    draw: (next) => {
      const kernel = kernels[Math.floor(next() * (kernels.length + 1))]
      for (let i = 0; kernel !== undefined && i < 20; i++) {
        const x = kernel.mean + kernel.sd * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
        if (x >= 0 && x < 1) return x
      }
      return next()
    },
    log: (x) => Math.log(density(x) / (kernels.length + 1)),
  }
}

/** Shares of the values with one count added to each. */
function categorical(count: number, positions: readonly number[]): Density {
  const shares = Array.from({ length: count }, () => 1)
  for (const x of positions) shares[Math.min(count - 1, Math.floor(x * count))]! += 1
  const total = positions.length + count
  return {
    draw: (next) => {
      let left = next() * total
      const index = shares.findIndex((share) => {
        left -= share
        return left < 0
      })
      return ((index < 0 ? count - 1 : index) + 0.5) / count
    },
    log: (x) => Math.log(shares[Math.min(count - 1, Math.floor(x * count))]! / total),
  }
}

/** Densities of every option over a set of configurations; an option counts only where it is in force in the same domain. */
function densities(spaces: Spaces, observed: readonly Suggestion[]) {
  const known = new Map<string, Density>()
  return (model: string, key: string): Density => {
    const { domain } = spaces[model]!.search[key]!
    const id = canonicalJson([key, domain])
    const have = ({ model: other, options }: Suggestion) => {
      const same = spaces[other]?.search[key]
      return same !== undefined && key in options && canonicalJson([key, same.domain]) === id
    }
    const positions = () => observed.filter(have).map(({ options }) => positionOf(domain, options[key]!))
    if (!known.has(id))
      known.set(id, domain.kind === 'list' ? categorical(domain.values.length, positions()) : numeric(positions()))
    return known.get(id)!
  }
}

const modelDomain = (spaces: Spaces): Domain => ({ kind: 'list', values: Object.keys(spaces) })

/**
 * Returns a function that draws candidates like the good configurations and picks the one with the greatest ratio of the densities of good
 * and other configurations; undefined when no candidate is accepted.
 *
 * Source: Bergstra et al. 2011, «Algorithms for Hyper-Parameter Optimization», §4; kernel widths as there, one option at a time.
 */
export function parzenSampler(
  spaces: Spaces,
  seen: readonly Observation[],
): (draw: Draw, accepts: (suggestion: Suggestion) => boolean) => Suggestion | undefined {
  const sorted = seen.toSorted((a, b) => (a.loss ?? Infinity) - (b.loss ?? Infinity) || 0) // stable: earlier ones win ties
  const count = Math.min(MOST_GOOD, Math.max(2, Math.ceil(GOOD_SHARE * sorted.length)))
  const parts = [sorted.slice(0, count), sorted.slice(count)] as const
  const models = modelDomain(spaces)
  const names = Object.keys(spaces)
  const ofModel = parts.map((part) =>
    categorical(
      names.length,
      part.map(({ model }) => positionOf(models, model)),
    ),
  )
  const ofOption = parts.map((part) => densities(spaces, part))
  const ratio = (log: (side: 0 | 1) => number) => log(0) - log(1)
  return (draw, accepts) => {
    let best: { suggestion: Suggestion; score: number } | undefined
    for (let i = 0; i < CANDIDATES; i++) {
      const place = ofModel[0]!.draw(draw)
      const model = String(valueAt(models, place))
      const space = spaces[model]!
      const drawn: Record<string, Value> = {}
      for (const [key, { domain }] of Object.entries(space.search))
        drawn[key] = valueAt(domain, ofOption[0]!(model, key).draw(draw))
      const options: Settings = active(space, drawn)
      if (!accepts({ model, options })) continue
      const score = Object.entries(space.search)
        .filter(([key]) => key in options)
        .reduce(
          (sum, [key, { domain }]) => sum + ratio((side) => ofOption[side]!(model, key).log(positionOf(domain, options[key]!))),
          ratio((side) => ofModel[side]!.log(place)),
        )
      if (best === undefined || score > best.score) best = { suggestion: { model, options }, score }
    }
    return best?.suggestion
  }
}
