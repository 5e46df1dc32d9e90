import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { badOption } from '../errors.js'
import { canonicalJson } from '../files/hash.js'
import { packageVersion } from '../libtorch/paths.js'
import { type JournalWriter, openJournal } from './journal.js'
import type { JournalEntry, PlanLimits, PlanMeaning } from './journal-entry.js'
import type { ExperimentPlan } from './read-plan.js'

/** Default folder of an experiment. */
export const folderOf = (name: string): string => join('artifacts', 'lvm', 'experiments', name)

const meaningOf = (plan: ExperimentPlan, hash: string): PlanMeaning => {
  const { method, metric, direction, seed, seeds, spaces, halving, concurrency } = plan
  return {
    method,
    metric,
    direction,
    seed,
    seeds,
    spaces,
    halving,
    concurrency: method === 'tpe' ? concurrency : null,
    data_hash: hash,
  }
}
const limitsOf = ({ budget, confirm, keep, retries, concurrency }: ExperimentPlan): PlanLimits => ({
  budget,
  confirm,
  keep,
  retries,
  concurrency,
})

/** All values of a document by their paths. */
function leaves(value: unknown, at = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[at, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, at === '' ? key : `${at}.${key}`))
}

/** Refuses a plan that would make other trainings than the journal's. Errors: BAD_OPTION with every difference. */
function requireSame(before: PlanMeaning, now: PlanMeaning, folder: string): void {
  if (canonicalJson(before) === canonicalJson(now)) return
  const [old, fresh] = [new Map(leaves(before)), new Map(leaves(now))]
  const keys = [...new Set([...old.keys(), ...fresh.keys()])].filter((key) => old.get(key) !== fresh.get(key))
  const differing = keys.slice(0, 8).map((key) => `${key}: ${old.get(key) ?? 'absent'} before, ${fresh.get(key) ?? 'absent'} now`)
  const more = keys.length > 8 ? `; and ${keys.length - 8} more` : ''
  throw badOption(
    'experiment',
    'plan',
    `the plan that the experiment in ${folder} was started with (${differing.join('; ')}${more})`,
    'another one',
    'restore these values, or use another name in the plan or another --out; only budget, confirm, keep and retries may change',
  )
}

function requireMore(before: PlanLimits, now: PlanLimits, isHalving: boolean): void {
  const [old, fresh] = [before.budget.runs, now.budget.runs]
  if (isHalving && fresh !== old)
    throw badOption(
      'experiment',
      'budget.runs',
      `${old}, because the rounds of halving were planned with it,`,
      fresh,
      'use another --out for another number of runs',
    )
  if (fresh < old) throw badOption('experiment', 'budget.runs', `at least ${old}, as before,`, fresh)
}

export const planEntry = (entries: readonly JournalEntry[]) => entries.find((entry) => entry.type === 'plan')
export const lastLimits = (entries: readonly JournalEntry[]): PlanLimits | undefined =>
  entries.findLast((entry) => entry.type === 'begin')?.limits

/** The plan as the journal has it; undefined before its first call has begun. */
export function journaledPlan(entries: readonly JournalEntry[]): { plan: ExperimentPlan; hash: string } | undefined {
  const [first, limits] = [planEntry(entries), lastLimits(entries)]
  if (first === undefined || limits === undefined) return undefined
  const { data_hash: hash, concurrency: _, ...meaning } = first.plan
  return { plan: { ...meaning, ...limits, name: first.name, data: first.data }, hash }
}

/** Number of configurations after which the search found no further one. */
export const exhaustedAt = (entries: readonly JournalEntry[]): number | undefined =>
  entries.find((entry) => entry.type === 'exhausted')?.configs

/** Time between the first and the last line of every call. Units: s. */
export function spentSeconds(entries: readonly JournalEntry[]): number {
  let [sum, since] = [0, 0]
  entries.forEach(({ type, at }, i) => {
    if (type === 'begin') since = Date.parse(at)
    else if (type !== 'plan' && (i + 1 === entries.length || entries[i + 1]!.type === 'begin')) sum += Date.parse(at) - since
  })
  return sum / 1000
}

/** Opens the journal of a folder and begins a call. Errors: BAD_OPTION for another plan than before, DATA_FORMAT for a damaged journal. */
export async function begin(folder: string, plan: ExperimentPlan, hash: string): Promise<JournalWriter> {
  await mkdir(folder, { recursive: true })
  const journal = await openJournal(folder)
  try {
    const meaning = JSON.parse(JSON.stringify(meaningOf(plan, hash))) as PlanMeaning
    const first = planEntry(journal.entries)
    if (first === undefined) journal.append({ type: 'plan', version: 1, name: plan.name, data: plan.data, plan: meaning })
    else requireSame(first.plan, meaning, folder)
    const before = lastLimits(journal.entries)
    if (before !== undefined) requireMore(before, limitsOf(plan), plan.method === 'halving')
    journal.append({ type: 'begin', lvm_torch: packageVersion(), limits: limitsOf(plan) })
    return journal
  } catch (error) {
    journal.close()
    throw error
  }
}
