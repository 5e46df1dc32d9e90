import type { Bank } from '../../banks/bank.js'
import { holds, requireFitting } from '../../banks/bank-base.js'
import { askBank, type BankAnswers } from '../../banks/bank-search.js'
import { targets } from '../../baselines/baselines-rows.js'
import { LvmError } from '../../errors.js'
import { countExcluded, type Exclude, exclusions } from '../../evaluate/exclusions.js'
import { openPool } from '../../evaluate/pool.js'
import { search } from '../../evaluate/search.js'
import { type Chosen, provenance } from '../../evaluate/subject.js'
import type { Ranking } from '../../rankings.js'
import { stage } from '../../stages.js'
import type { Tensor } from '../../torch/tensor.js'
import type { Searched, Searcher } from './judge-retrieval.js'
import { judgeOracle } from './oracle.js'
import type { PlacedQuery } from './placed-queries.js'
import { fitQueries, QUERY_NAMES, type QueryName } from './queries.js'
import { describeFailures, missed } from './retrieval-failures.js'

interface BankOptions {
  readonly failures: number
  readonly exclude: Exclude
  readonly say: (line: string) => void
}
type Read = (ids: Int32Array) => Promise<Tensor>

/** Answers of the bank to the queries without a network, each with its recall. */
async function askQueries(chosen: Chosen, ask: (read: Read) => Promise<BankAnswers>, say: (line: string) => void) {
  say('fitting the baselines')
  const fitted = await stage('fit the baselines', () => fitQueries(chosen))
  const found = new Map<QueryName, Omit<PlacedQuery, 'name'> & { readonly recall20: number }>()
  try {
    for (const query of fitted) {
      say(`asking the bank with ${QUERY_NAMES[query.name]}`)
      const answers = await stage(query.name, () => ask((ids) => query.predict(chosen, ids)))
      found.set(query.name, { params: query.params, found: answers.found, recall20: answers.recall20 })
    }
  } finally {
    for (const query of fitted) query.dispose()
  }
  return found
}

/** Searches the base itself for the targets of windows, without what these leave out. */
async function searchExactly(chosen: Chosen, read: Read, exclude: Exclude): Promise<Ranking> {
  const pool = await openPool(chosen, { exclude })
  try {
    return (await search(pool, (at, count) => read(chosen.ids.subarray(at, at + count)))).allowed
  } finally {
    pool.dispose()
  }
}

/**
 * Searches a bank through its index with the predictions of a run and of all queries without a network.
 *
 * Errors: those of requireFitting; BANK_MISMATCH for a bank of other rows than those of the windows; DIVERGED.
 */
export async function searchBank(searcher: Searcher, chosen: Chosen, bank: Bank, o: BankOptions): Promise<Searched> {
  const { base, windows, ids } = chosen
  const facts = await requireFitting(bank, base)
  if (base.kind !== 'base' || !(await holds(facts, base)))
    throw new LvmError('BANK_MISMATCH', `${bank.url}: expected the rows of ${base.path}, whose windows are searched for`, {
      hint: 'push that base: lvm-torch bank push BASE URL; or search the rows of another one with --bank-search exact',
    })
  const target = ids.map((id) => windows.target[id]!)
  const excluded = exclusions(chosen, target, { exclude: o.exclude, places: { before: (row) => row } })
  const index = await bank.index()
  const perfect: Read = (some) => targets(chosen, some)
  const ask = (read: Read) =>
    askBank(bank, {
      vectors: base.vectors,
      target,
      excluded,
      exact: index === null ? undefined : (some) => searchExactly({ ...chosen, ids: some.map((i) => ids[i]!) }, read, o.exclude),
      query: (at, count) => read(ids.subarray(at, at + count)),
    })
  o.say(`${searcher.name}: asking the bank for the targets themselves`)
  const self = await stage('targets as queries', () => ask(perfect))
  const oracle = judgeOracle(self.found)
  const about = { path: bank.url, hash: facts.base_hash, rows: facts.rows, space: facts.space }
  const searched = {
    from: await provenance(chosen),
    context: windows.context,
    articles: ids.map((id) => windows.article[id]!),
    excluded: countExcluded(excluded),
    oracle,
  }
  const searchedBy = (answers: BankAnswers) =>
    ({ method: 'index', index, recall20: answers.recall20, queries: answers.sampled }) as const
  if (!oracle.valid)
    return { ...searched, bank: { ...about, search: searchedBy(self) }, found: undefined, failures: [], failed: 0 }
  const queries = await stage('queries without a run', () =>
    askQueries(chosen, ask, (line) => o.say(`${searcher.name}: ${line}`)),
  )
  o.say(`${searcher.name}: searching with its predictions`)
  const answers = await stage('predictions', () => ask((some) => searcher.read(some)))
  const failed = missed(answers.found.all)
  const pool = { base: { ...base, path: bank.url }, target, excluded }
  const failures = await stage('failures', () => describeFailures(answers.found.all, pool, failed.slice(0, o.failures)))
  return {
    ...searched,
    bank: { ...about, search: searchedBy(answers) },
    found: { model: answers.found, queries },
    failures,
    failed: failed.length,
  }
}
