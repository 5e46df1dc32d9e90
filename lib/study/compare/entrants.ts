import { BASELINES, type BaselineName } from '../../baselines/baselines-fit.js'
import { findFolds } from '../../checkpoint/fold-runs.js'
import { readManifest } from '../../checkpoint/manifest.js'
import { findRun, runName } from '../../checkpoint/run-folder.js'
import type { RunManifest } from '../../checkpoint/run-manifest.js'
import { rowsKey } from '../../data/content-hash.js'
import { badOption } from '../../errors.js'
import { type Outsider, onlyRuns } from '../../evaluate/outside/outsider.js'
import { jsonHash } from '../../files/hash.js'

/** One side of a comparison before it is measured: a baseline, a predictor that is no run, or the trainings of a run. */
export interface Entrant {
  readonly name: string
  readonly baseline: BaselineName | undefined
  readonly outsider?: Outsider
  /** Runs by training seed, then by fold; one of each unless there are several. */
  readonly trainings: readonly (readonly string[])[]
}

const isName = (name: string): name is BaselineName => (BASELINES as readonly string[]).includes(name)
const baselineOf = (name: BaselineName): Entrant => ({ name, baseline: name, trainings: [] })

/** Whether a name means a baseline; a run of that name takes precedence. Errors: RUN_MISSING when it is neither. */
async function isBaseline(name: string): Promise<boolean> {
  try {
    await findRun(name)
    return false
  } catch (error) {
    if (isName(name)) return true
    throw error
  }
}

/** Settings that may differ between two trainings of a kind: the seed, and what changes nothing. */
const FREE = ['seed', 'splitSeed', 'name', 'out', 'resume', 'overwrite', 'force', 'device', 'threads', 'saveEvery', 'data', 'val']

/** What all trainings of a kind share; two trainings of one kind differ in their seed. */
async function kindOf(run: string): Promise<{ kind: string; seed: number; name: string }> {
  const folder = await findRun(run)
  const manifest = (await readManifest(folder)).manifest as RunManifest
  const { model, spec_hash, data, split, options, seed, quantized, pruned } = manifest
  const train = Object.entries(options.train).filter(([key]) => !FREE.includes(key))
  const made = [quantized ?? null, pruned ?? null] as unknown[]
  const kind = jsonHash([model, spec_hash, data && rowsKey(data), split?.seed ?? null, Object.fromEntries(train), ...made])
  return { kind, seed, name: runName(folder) }
}

/** A run as it was typed, and its name in documents. */
interface Training {
  readonly run: string
  readonly seed: number
  readonly name: string
}
const called = (group: readonly Training[], typed: string) => group.find(({ run }) => run === typed)!.name

/** Joins the runs that differ only in their seed into one entrant, unless no others are left to compare them with. */
async function bySeeds(names: readonly string[], baselines: ReadonlySet<string>, others: boolean): Promise<Entrant[]> {
  const groups = new Map<string, Training[]>()
  for (const run of names.filter((name) => !baselines.has(name))) {
    const { kind, ...training } = await kindOf(run)
    groups.set(kind, [...(groups.get(kind) ?? []), { run, ...training }])
  }
  const alone = groups.size === 1 && baselines.size === 0 && !others
  const entrants = names.flatMap((name): Entrant[] => {
    if (baselines.has(name)) return [baselineOf(name as BaselineName)]
    const group = [...groups.values()].find((runs) => runs.some(({ run }) => run === name))!
    const several = new Set(group.map(({ seed }) => seed)).size === group.length && group.length > 1 && !alone
    if (!several) return [{ name: called(group, name), baseline: undefined, trainings: [[name]] }]
    if (group[0]!.run !== name) return []
    const stem = called(group, name).replace(/[-_]seed\d+$/, '')
    return [{ name: seedsOf(stem, group.length), baseline: undefined, trainings: group.map(({ run }) => [run]) }]
  })
  return entrants
}

const seedsOf = (name: string, count: number): string => (count === 1 ? name : `${name} (${count} seeds)`)

/** Errors: those of findFolds; BAD_OPTION for runs with other numbers of folds. */
async function byFolds(names: readonly string[]): Promise<Entrant[]> {
  const entrants: Entrant[] = []
  for (const name of names) {
    if (isName(name)) {
      entrants.push(baselineOf(name))
      continue
    }
    const sets = await findFolds('compare', name)
    entrants.push({
      name: seedsOf(sets[0]!.name.replace(/-seed\d+$/, ''), sets.length),
      baseline: undefined,
      trainings: sets.map(({ runs }) => runs),
    })
  }
  const counted = entrants.filter(({ trainings }) => trainings.length > 0)
  const other = counted.find(({ trainings }) => trainings[0]!.length !== counted[0]!.trainings[0]!.length)
  if (other !== undefined)
    throw badOption(
      'compare',
      'folds',
      `the same number of folds for all (${counted[0]!.name})`,
      other.name,
      'train both with the same --folds',
    )
  return entrants
}

/** Finds the sides of a comparison by their names. Errors: RUN_MISSING; BAD_OPTION without a run, or with a name twice. */
export async function findEntrants(all: readonly (string | Outsider)[], folds: boolean): Promise<Entrant[]> {
  const names = folds ? onlyRuns('compare', 'folds', all) : all.filter((one) => typeof one === 'string')
  const outsiders = all.filter((one) => typeof one !== 'string')
  if (all.length < 2 || new Set(names).size < names.length)
    throw badOption('compare', 'runs', 'two or more different runs or baselines', all)
  const baselines = new Set<string>()
  if (!folds) for (const name of names) if (await isBaseline(name)) baselines.add(name)
  const entrants = folds ? await byFolds(names) : await bySeeds(names, baselines, outsiders.length > 0)
  if (entrants.every(({ baseline }) => baseline !== undefined))
    throw badOption('compare', 'runs', 'at least one run (its windows are evaluated)', all)
  return [...entrants, ...outsiders.map((outsider) => ({ name: outsider.name!, baseline: undefined, outsider, trainings: [] }))]
}
