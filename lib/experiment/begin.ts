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
  const { method, metric, direction, seed, seeds, spaces, halving, concurrency, own } = plan
  const files = Object.fromEntries(own.map(({ architecture, hash }) => [architecture.name, hash]))
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
    ...(own.length > 0 && { model_files: files }),
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

export const planEntry = (entries: readonly JournalEntry[]) => entries.findLast((entry) => entry.type === 'plan')
export const lastLimits = (entries: readonly JournalEntry[]): PlanLimits | undefined =>
  entries.findLast((entry) => entry.type === 'begin')?.limits

/** The plan as the journal has it; undefined before its first call has begun. */
export function journaledPlan(entries: readonly JournalEntry[]): { plan: ExperimentPlan; hash: string } | undefined {
  const [first, limits] = [planEntry(entries), lastLimits(entries)]
  if (first === undefined || limits === undefined) return undefined
  const { data_hash: hash, concurrency: _, model_files: __, ...meaning } = first.plan
  return { plan: { ...meaning, ...limits, name: first.name, data: first.data, own: [] }, hash }
}

/** Number of configurations after which the search found no further one. */
export function exhaustedAt(entries: readonly JournalEntry[]): number | undefined {
  const last = entries.findLast(({ type }) => type === 'exhausted' || type === 'plan')
  return last?.type === 'exhausted' ? last.configs : undefined
}

/** Time between the first and the last line of every call; a clock that was set back loses the time between two lines. Units: s. */
export function spentSeconds(entries: readonly JournalEntry[]): number {
  const between = entries.map(({ type, at }, i) => {
    const isInside = i > 0 && type !== 'begin' && type !== 'plan'
    return isInside ? Math.max(0, Date.parse(at) - Date.parse(entries[i - 1]!.at)) : 0
  })
  return between.reduce((sum, ms) => sum + ms, 0) / 1000
}

/** Whether any training has begun, so that the plan can no longer be another one. */
const isUsed = (entries: readonly JournalEntry[]) => entries.some(({ type }) => !['plan', 'begin', 'exhausted'].includes(type))

/** Opens the journal of a folder and begins a call. Errors: BAD_OPTION for another plan than before, DATA_FORMAT for a damaged journal. */
export async function begin(folder: string, plan: ExperimentPlan, hash: string): Promise<JournalWriter> {
  await mkdir(folder, { recursive: true })
  const journal = await openJournal(folder)
  try {
    const meaning = JSON.parse(JSON.stringify(meaningOf(plan, hash))) as PlanMeaning
    const known = planEntry(journal.entries)
    if (isUsed(journal.entries)) {
      requireSame(known!.plan, meaning, folder)
      requireMore(lastLimits(journal.entries)!, limitsOf(plan), plan.method === 'halving')
    } else if (known === undefined || canonicalJson(known.plan) !== canonicalJson(meaning))
      journal.append({ type: 'plan', version: 1, name: plan.name, data: plan.data, plan: meaning })
    journal.append({ type: 'begin', lvm_torch: packageVersion(), limits: limitsOf(plan) })
    return journal
  } catch (error) {
    journal.close()
    throw error
  }
}
