import { join } from 'node:path'
import { listRuns } from '../checkpoint/list-runs.js'
import { LvmError } from '../errors.js'
import { lockHolder } from '../files/lock.js'
import { packageVersion } from '../libtorch/paths.js'
import { exhaustedAt, journaledPlan, spentSeconds } from './begin.js'
import { FEWEST, type Importance, importance } from './importance.js'
import { JOURNAL, readJournal } from './journal.js'
import type { RunEnd } from './journal-entry.js'
import { type Ranked, Search } from './next-jobs.js'
import { runsOf } from './perform-run.js'
import type { ExperimentPlan } from './read-plan.js'
import { endsOf, verdictOf } from './run-experiment.js'
import type { Verdict } from './verdict.js'

/** A run that a child process trains now. */
export interface RunningRun {
  readonly id: string
  readonly epochs: number | null
  readonly val_cosine: number | null
  readonly pid: number | null
}

/** State and results of an experiment, from its journal. Units: seconds, bytes. */
export interface ExperimentReport {
  readonly version: 1
  readonly created_at: string
  readonly lvm_torch: string
  readonly name: string
  readonly folder: string
  readonly state: 'running' | 'complete' | 'unfinished'
  /** Process that runs it. */
  readonly pid: number | null
  readonly plan: ExperimentPlan
  readonly data_hash: string
  readonly done: number
  readonly of: number
  readonly failed: number
  readonly seconds: number
  readonly running: readonly RunningRun[]
  readonly runs: readonly (RunEnd & { readonly at: string; readonly removed: boolean })[]
  /** Best score after each searched run of the first round. */
  readonly curve: readonly { readonly number: number; readonly score: number | null; readonly best: number | null }[]
  readonly ranking: readonly Ranked[]
  readonly importance: readonly Importance[]
  readonly importance_note: string
  readonly verdict: Verdict
  /** Searched score of the chosen configurations less their confirmed mean, on average; positive when the search was optimistic. */
  readonly optimism: number | null
  readonly attempts: readonly { readonly id: string; readonly code: string; readonly message: string }[]
  readonly disk: { readonly kept_bytes: number; readonly removed_bytes: number; readonly removed_runs: number }
}

function curveOf(ends: readonly RunEnd[], direction: 'max' | 'min'): ExperimentReport['curve'] {
  let best: number | null = null
  const better = (a: number, b: number) => (direction === 'max' ? a > b : a < b)
  return ends
    .filter(({ stage, rung }) => stage === 'search' && rung === 0)
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, score }) => {
      if (score !== null && (best === null || better(score, best))) best = score
      return { number: index + 1, score, best }
    })
}

function importanceNote(found: readonly Importance[], configs: number, method: string): string {
  if (found.length === 0)
    return `not estimated: ${configs} configurations have a score, and an option needs ${FEWEST} with different values of it`
  const chosen =
    method === 'tpe' ? ' TPE chose the values by earlier results, so options may stand for each other: read it as a hint.' : ''
  return `Share of the variance of the ranks that groups of values explain, less chance; p by permutation, adjusted for ${found.length} options.${chosen}`
}

const optimismOf = ({ confirmed }: Verdict, direction: 'max' | 'min'): number | null => {
  const gaps = confirmed.flatMap((c) => (c.confirmed === null ? [] : [c.searched - c.confirmed.mean]))
  return gaps.length === 0 ? null : ((direction === 'max' ? 1 : -1) * gaps.reduce((a, b) => a + b, 0)) / gaps.length
}

/**
 * Reads state and results of an experiment without disturbing it; `isOver` says that the process that holds its lock has finished the work.
 *
 * Errors: RUN_MISSING without a journal, DATA_FORMAT for a damaged one.
 */
export async function experimentDocument(folder: string, { isOver = false } = {}): Promise<ExperimentReport> {
  const journal = readJournal(folder)
  const known = journal && journaledPlan(journal.entries)
  if (journal === undefined || known === undefined)
    throw new LvmError('RUN_MISSING', `experiment: expected ${join(folder, JOURNAL)} but there is no experiment in ${folder}`, {
      hint: 'run: lvm-torch experiment PLAN.yaml',
    })
  const { plan, hash } = known
  const { entries } = journal
  const ends = endsOf(entries)
  const search = new Search({ plan, dataHash: hash, ends, isValid: () => true, exhaustedAt: exhaustedAt(entries) })
  const removed = entries.filter((entry) => entry.type === 'removed')
  const [holder, present] = await Promise.all([lockHolder(folder), listRuns(runsOf(folder))])
  const kept = new Set(present.map(({ run }) => run))
  const ranking = search.ranking()
  const firstRound = search.firstRound()
  const found = importance(plan.spaces, firstRound)
  const verdict = verdictOf(search, plan, ends)
  const isComplete = search.isSearched && search.confirmations().every(({ id }) => ends.some((end) => end.id === id))
  const inProgress = present.filter(({ state }) => state === 'running')
  const running = await Promise.all(
    inProgress.map(async ({ run, path, epochs, val_cosine }) => ({
      id: run,
      epochs,
      val_cosine,
      pid: (await lockHolder(path))?.pid ?? null,
    })),
  )
  return {
    version: 1,
    created_at: new Date().toISOString(),
    lvm_torch: packageVersion(),
    name: plan.name,
    folder,
    state: holder !== undefined && !isOver ? 'running' : isComplete ? 'complete' : 'unfinished',
    pid: isOver ? null : (holder?.pid ?? null),
    plan,
    data_hash: hash,
    done: ends.length,
    of: search.trainings,
    failed: ends.filter(({ state }) => state === 'failed').length,
    seconds: spentSeconds(entries),
    running,
    runs: ends.map((end) => ({ ...(end as ExperimentReport['runs'][number]), removed: !kept.has(end.id) })),
    curve: curveOf(ends, plan.direction),
    ranking,
    importance: found,
    importance_note: importanceNote(found, firstRound.length, plan.method),
    verdict,
    optimism: optimismOf(verdict, plan.direction),
    attempts: entries.flatMap((e) => (e.type === 'attempt' ? [{ id: e.id, ...e.error }] : [])),
    disk: {
      kept_bytes: present.reduce((sum, { bytes }) => sum + bytes, 0),
      removed_bytes: removed.reduce((sum, { bytes }) => sum + bytes, 0),
      removed_runs: removed.length,
    },
  }
}
