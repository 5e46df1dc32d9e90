import { countExcluded } from '../../evaluate/exclusions.js'
import { type Provenance, provenance } from '../../evaluate/subject.js'
import { joinOracles, type Oracle } from '../retrieval/oracle.js'
import type { Comparison } from './comparison.js'
import { type Asked, type Contestant, gather } from './contestants.js'
import type { Entrant } from './entrants.js'
import { MEASURES, type Measure, type Values } from './shared-windows.js'

/** All contestants measured on the same windows: those of one part of the split, or those that the folds held out in turn. */
export interface Measured {
  readonly from: Provenance
  readonly bank: Comparison['bank']
  /** Rows that are excluded from the pool, in all. */
  readonly excluded: number
  readonly context: number
  readonly oracle: Oracle
  /** Article of each window. */
  readonly articles: Int32Array
  readonly contestants: readonly Contestant[]
  readonly folds: Comparison['folds']
}

async function measure(entrants: readonly Entrant[], fold: number, o: Asked): Promise<Measured> {
  const { shared, contestants } = await gather(entrants, fold, o)
  try {
    const { chosen, pool, oracle, articles } = shared
    return {
      from: await provenance(chosen),
      bank: { path: pool.base.path, hash: pool.base.hash, rows: pool.rows },
      excluded: countExcluded(pool.excluded),
      context: chosen.windows.context,
      oracle,
      articles,
      contestants,
      folds: null,
    }
  } finally {
    shared.dispose()
    shared.chosen.dispose()
  }
}

/** One array after the other; null when one is missing. */
function joined(parts: readonly (Float64Array | null)[]): Float64Array | null {
  const there = parts.flatMap((part) => part ?? [])
  if (there.length < parts.length) return null
  const all = new Float64Array(there.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of there) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const joinValues = (parts: readonly Values[]): Values =>
  Object.fromEntries(MEASURES.map((name) => [name, joined(parts.map((part) => part[name]))])) as Record<
    Measure,
    Float64Array | null
  >

const joinContestant = (parts: readonly Contestant[]): Contestant => ({
  ...parts[0]!,
  values: parts[0]!.values.map((_, training) => joinValues(parts.map(({ values }) => values[training]!))),
})

/** Joins the windows of all folds: each article was held out by one of them. */
function pooled(parts: readonly Measured[]): Measured {
  const [first] = parts
  return {
    ...first!,
    from: { ...first!.from, rows: 'folds', selected_on: false },
    excluded: parts.reduce((sum, { excluded }) => sum + excluded, 0),
    context: Math.max(...parts.map(({ context }) => context)),
    oracle: joinOracles(parts.map(({ oracle, articles }) => ({ oracle, windows: articles.length }))),
    articles: Int32Array.from(parts.flatMap(({ articles }) => [...articles])),
    contestants: first!.contestants.map((_, i) => joinContestant(parts.map(({ contestants }) => contestants[i]!))),
    folds: parts.map(({ articles }) => ({ articles: new Set(articles).size, windows: articles.length })),
  }
}

/** Measures all contestants, with folds on the rows of each fold in turn. Errors: those of gather. */
export async function measureAll(entrants: readonly Entrant[], o: Asked): Promise<Measured> {
  if (!o.folds) return measure(entrants, 0, o)
  const count = entrants.find(({ trainings }) => trainings.length > 0)!.trainings[0]!.length
  const parts: Measured[] = []
  for (let fold = 0; fold < count; fold++) {
    o.say(`fold ${fold + 1} of ${count}`)
    parts.push(await measure(entrants, fold, { ...o, rows: 'test' }))
  }
  return pooled(parts)
}
