import type { Articles, Base } from '../data/base.js'
import { disorder, repeatedKeys } from '../data/checks.js'
import type { Windows } from '../data/windows.js'
import { count, counted } from '../show.js'
import { FEWEST_ARTICLES } from '../statistics/estimates.js'
import { type Finding, finding } from './audit-findings.js'
import type { Table } from './unit-table.js'

/** Returns the rows of a base, or the sequences, with a vector whose length satisfies `is`. */
const rowsWhere = (tables: readonly [table: Table, each: number][], is: (length: number) => boolean): number[] => [
  ...new Set(
    tables.flatMap(([{ lengths }, each]) => [...lengths.keys()].filter((i) => is(lengths[i]!)).map((i) => Math.floor(i / each))),
  ),
]

function lengthFindings(base: Base, tables: readonly [Table, number][]): Finding[] {
  const what = base.kind === 'base' ? 'row' : 'sequence'
  const broken = rowsWhere(tables, (length) => !Number.isFinite(length))
  const zero = rowsWhere(tables, (length) => length === 0)
  const { min, max, mean, deviating } = base.norms
  const span = `from ${min.toPrecision(4)} to ${max.toPrecision(4)}, mean ${mean.toPrecision(4)}`
  return [
    broken.length === 0
      ? finding('FINITE', 'PASS', 'all numbers are finite')
      : finding('FINITE', 'FAIL', `${counted(broken.length, what)} with NaN or Inf`, { rows: broken.length }, broken),
    zero.length === 0
      ? finding('ZERO_ROWS', 'PASS', 'no vector is all zeros')
      : finding('ZERO_ROWS', 'FAIL', `${counted(zero.length, what)} of zeros only`, { rows: zero.length }, zero),
    deviating === 0
      ? finding('NORMS', 'PASS', `all lengths are within .01 of 1 (${span})`, { min, max, mean, deviating })
      : finding(
          'NORMS',
          'WARN',
          `${counted(deviating, 'vector')} not of length 1 (${span})`,
          { min, max, mean, deviating },
          rowsWhere(tables, (length) => Math.abs(length - 1) > 0.01),
        ),
  ]
}

function keyFindings({ kind, positions, rows }: Base, articles: Articles): Finding[] {
  const repeated = positions === undefined ? [] : [...repeatedKeys(articles, positions)]
  const share = repeated.length / rows
  const keys =
    repeated.length === 0
      ? finding(
          'KEYS',
          'PASS',
          positions === undefined ? 'no positions are known' : 'every pair of article and position occurs once',
        )
      : finding(
          'KEYS',
          'FAIL',
          `${counted(repeated.length, 'row')} of ${count(rows)} (${(100 * share).toFixed(1)} %) have the article and position of an earlier row`,
          { repeated: repeated.length, share },
          repeated.map(([, row]) => row),
        )
  if (kind === 'sequences') return [keys]
  const faults = [...disorder(articles, positions)]
  const apart = faults.filter((fault) => fault.apart).length
  return [
    keys,
    faults.length === 0
      ? finding('CONTIGUITY', 'PASS', 'the rows of every article are consecutive and in order')
      : finding(
          'CONTIGUITY',
          'FAIL',
          `${counted(apart, 'time')} an article continues after rows of another, ${counted(faults.length - apart, 'time')} a position is lower than the one before`,
          { apart, backwards: faults.length - apart },
          faults.map(({ row }) => row),
        ),
  ]
}

function articleFinding({ articles }: Base): Finding {
  const known = articles?.ids.length ?? 0
  if (known >= FEWEST_ARTICLES) return finding('ARTICLES', 'PASS', counted(known, 'article'), { articles: known })
  const why = articles === undefined ? 'no article ids' : counted(known, 'article')
  return finding('ARTICLES', 'WARN', `${why}: a fair split needs 2, an interval ${FEWEST_ARTICLES} in the evaluated part`, {
    articles: known,
  })
}

function categoryFinding({ categories, articles }: Base): Finding {
  if (articles === undefined || categories === undefined || categories.size === 0)
    return finding('CATEGORIES', 'PASS', 'no categories are known, and none are needed')
  const without = articles.ids.filter((id) => (categories.get(id)?.length ?? 0) === 0)
  if (without.length === 0) return finding('CATEGORIES', 'PASS', 'every article has a category')
  const first = new Set(without)
  const rows = [...new Set(articles.of)].filter((article) => first.has(articles.ids[article]!)).slice(0, 5)
  return finding(
    'CATEGORIES',
    'WARN',
    `${without.length} of ${counted(articles.ids.length, 'article')} without a category, such as ${without
      .slice(0, 3)
      .map((id) => `"${id}"`)
      .join(', ')}`,
    { without: without.length },
    rows.map((article) => articles.of.indexOf(article)),
  )
}

function crossingFinding({ crosses, count: all }: Windows): Finding {
  const rows = [...(crosses?.keys() ?? [])].filter((i) => crosses![i] === 1)
  return rows.length === 0
    ? finding('CROSSING', 'PASS', 'no window crosses an article')
    : finding(
        'CROSSING',
        'WARN',
        `${counted(rows.length, 'window')} of ${count(all)} begin in another article than their target`,
        {
          crossing: rows.length,
        },
        rows,
      )
}

/** Runs the checks of lengths, keys and articles. */
export function rowFindings(base: Base, tables: readonly [Table, number][], windows: Windows): Finding[] {
  return [
    ...lengthFindings(base, tables),
    ...(base.articles === undefined ? [] : keyFindings(base, base.articles)),
    articleFinding(base),
    categoryFinding(base),
    crossingFinding(windows),
  ]
}
