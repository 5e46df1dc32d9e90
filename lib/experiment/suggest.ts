import { canonicalJson, textHash } from '../files/hash.js'
import { random } from '../statistics/random.js'
import { active, type Draw, type Observation, type Spaces, type Suggestion, type Value, valueAt } from './search-space.js'
import { parzenSampler } from './tpe.js'

/** Draws of random search until a new and valid configuration; then the space counts as exhausted. */
const TRIES = 500
/** Configurations of random search before TPE has enough observations. */
export const STARTUP = 10

/** Random numbers of one configuration; they depend only on the seed of the search and its number. */
export function drawsOf(seed: number, config: number): Draw {
  const key = Number.parseInt(textHash(`${seed} ${config}`).slice(0, 12), 16)
  let i = 0
  return () => random(key, i++)
}

/** Draws a model and its options with equal probability over each domain. */
export function drawUniform(spaces: Spaces, draw: Draw): Suggestion {
  const models = Object.keys(spaces)
  const model = models[Math.floor(draw() * models.length)]!
  const space = spaces[model]!
  const drawn: Record<string, Value> = {}
  for (const [key, { domain }] of Object.entries(space.search)) drawn[key] = valueAt(domain, draw())
  return { model, options: active(space, drawn) }
}

export const sameAs = ({ model, options }: Suggestion): string => canonicalJson({ model, options })

/**
 * Suggests configuration number `config`; undefined when no new and valid one is found.
 *
 * The suggestion depends only on the arguments. `taken` holds all earlier suggestions as `sameAs` writes them, which are not repeated;
 * `seen` holds the results that TPE may use.
 */
export function suggest(o: {
  readonly spaces: Spaces
  readonly seed: number
  readonly config: number
  readonly taken: ReadonlySet<string>
  /** Null for random search. */
  readonly seen: readonly Observation[] | null
  readonly isValid: (suggestion: Suggestion) => boolean
}): Suggestion | undefined {
  const isNew = (suggestion: Suggestion) => !o.taken.has(sameAs(suggestion)) && o.isValid(suggestion)
  const draw = drawsOf(o.seed, o.config)
  if (o.seen !== null && o.seen.length >= STARTUP) {
    const best = parzenSampler(o.spaces, o.seen)(draw, isNew)
    if (best !== undefined) return best
  }
  for (let i = 0; i < TRIES; i++) {
    const suggestion = drawUniform(o.spaces, draw)
    if (isNew(suggestion)) return suggestion
  }
  return undefined
}
