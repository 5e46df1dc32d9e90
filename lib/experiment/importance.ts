import { benjaminiHochberg } from '../statistics/paired-tests.js'
import { randomIndex } from '../statistics/random-index.js'
import type { Ranked } from './next-jobs.js'
import type { ModelSpace, Value } from './search-space.js'

/** Fewest configurations with a value of an option before its importance is estimated. */
export const FEWEST = 20
const SHUFFLES = 2000
const BINS = 3

/** How much of the order of the configurations one option explains. */
export interface Importance {
  readonly field: string
  readonly n: number
  /** Share of the variance of the ranks between the groups of values, less its expectation by chance. */
  readonly explained: number
  /** p value of a permutation test, adjusted for the number of options (Benjamini–Hochberg). */
  readonly p: number
  /** Mean score of each group of values. */
  readonly groups: readonly { readonly values: string; readonly n: number; readonly score: number }[]
}

/** Ranks from 0, with the mean rank for ties. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const rank = new Array<number>(values.length)
  for (let i = 0; i < order.length; ) {
    let j = i
    while (j + 1 < order.length && values[order[j + 1]!] === values[order[i]!]) j++
    for (let k = i; k <= j; k++) rank[order[k]!] = (i + j) / 2
    i = j + 1
  }
  return rank
}

/** Share of the variance of ranks that lies between groups (η²). */
function between(rank: readonly number[], group: readonly number[], groups: number): number {
  const mean = (rank.length - 1) / 2
  const [sums, counts] = [new Array<number>(groups).fill(0), new Array<number>(groups).fill(0)]
  rank.forEach((r, i) => {
    sums[group[i]!]! += r - mean
    counts[group[i]!]! += 1
  })
  const total = rank.reduce((sum, r) => sum + (r - mean) ** 2, 0)
  return total === 0 ? 0 : sums.reduce((sum, s, g) => sum + (counts[g] === 0 ? 0 : (s * s) / counts[g]!), 0) / total
}

function effect(
  field: string,
  seen: readonly { readonly group: number; readonly label: string; readonly score: number }[],
): Importance {
  const rank = ranks(seen.map(({ score }) => score))
  const group = seen.map((s) => s.group)
  const count = Math.max(...group) + 1
  const found = between(rank, group, count)
  const draw = randomIndex(0)
  let far = 0
  for (let i = 0; i < SHUFFLES; i++) {
    for (let k = rank.length - 1; k > 0; k--) {
      const other = draw(k + 1)
      ;[rank[k], rank[other]] = [rank[other]!, rank[k]!]
    }
    if (between(rank, group, count) >= found - 1e-12) far++
  }
  const used = new Set(group).size
  const groups = [...new Set(group)]
    .sort((a, b) => a - b)
    .map((g) => {
      const of = seen.filter((s) => s.group === g)
      return { values: of[0]!.label, n: of.length, score: of.reduce((sum, { score }) => sum + score, 0) / of.length }
    })
  const chance = (used - 1) / (seen.length - 1)
  return { field, n: seen.length, explained: Math.max(0, (found - chance) / (1 - chance)), p: (1 + far) / (1 + SHUFFLES), groups }
}

const shown = (value: Value) => (typeof value === 'number' ? String(Number(value.toPrecision(3))) : String(value))

/** Groups of the values of an option: each value of a list, thirds of a range. */
function grouped(key: string, spaces: Readonly<Record<string, ModelSpace>>, configs: readonly Ranked[]) {
  const having = configs.filter(({ model, options }) => key in (spaces[model]?.search ?? {}) && key in options)
  const domains = having.map(({ model }) => spaces[model]!.search[key]!.domain)
  if (domains.every(({ kind }) => kind === 'list')) {
    const values = [...new Set(having.map(({ options }) => options[key]!))].sort((a, b) => (a < b ? -1 : 1))
    return having.map(({ options, score }) => ({ group: values.indexOf(options[key]!), label: shown(options[key]!), score }))
  }
  const place = having.map(({ options }) => Number(options[key])) // ranges of models may differ
  const order = place.toSorted((a, b) => a - b)
  const group = place.map((x) => Math.min(BINS - 1, Math.floor((order.indexOf(x) / order.length) * BINS)))
  const ends = (g: number) => having.flatMap(({ options }, i) => (group[i] === g ? [Number(options[key])] : []))
  return having.map(({ score }, i) => {
    const of = ends(group[i]!)
    return { group: group[i]!, label: `${shown(Math.min(...of))} … ${shown(Math.max(...of))}`, score }
  })
}

/** Estimates the importance of every searched option and of the model; those with too few configurations are left out. */
export function importance(spaces: Readonly<Record<string, ModelSpace>>, configs: readonly Ranked[]): Importance[] {
  const keys = [...new Set(Object.values(spaces).flatMap(({ search }) => Object.keys(search)))]
  const models = Object.keys(spaces)
  const ofModel = configs.map(({ model, score }) => ({ group: models.indexOf(model), label: model, score }))
  const fields = [
    ...(models.length > 1 ? [['model', ofModel] as const] : []),
    ...keys.map((key) => [key, grouped(key, spaces, configs)] as const),
  ]
  const enough = fields.filter(([, seen]) => seen.length >= FEWEST && new Set(seen.map(({ group }) => group)).size > 1)
  const found = enough.map(([field, seen]) => effect(field, seen))
  const adjusted = benjaminiHochberg(found.map(({ p }) => p))
  return found.map((one, i) => ({ ...one, p: adjusted[i]! })).sort((a, b) => b.explained - a.explained)
}
