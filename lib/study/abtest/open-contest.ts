import { type BaselineName, fitBaselines } from '../../baselines/baselines-fit.js'
import { baselinesCache } from '../../baselines/kept-fits.js'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import { badOption, LvmError } from '../../errors.js'
import { countExcluded } from '../../evaluate/exclusions.js'
import { openPool } from '../../evaluate/pool.js'
import type { Pool } from '../../evaluate/search.js'
import { type Chosen, chooseRows } from '../../evaluate/subject.js'
import type { Options } from '../../options.js'
import { likeness, requireAlike } from '../compare/likeness.js'
import { consultOracle, type Oracle, oracleSentence } from '../retrieval/oracle.js'
import type { abtestFields } from './abtest-fields.js'
import { type Arm, armOfHeuristic, armOfRun } from './arms.js'

/** Runs and heuristics over the same windows and the same bank. */
export interface Contest {
  readonly chosen: Chosen
  readonly pool: Pool
  readonly oracle: Oracle
  readonly models: readonly Model[]
  /** The runs first, then the heuristics. */
  readonly arms: readonly Arm[]
  dispose(): void
}
type Asked = Options<typeof abtestFields> & { readonly say: (line: string) => void }

/** Errors: BAD_OPTION when a search would return all rows that are left. */
function requireSelection(pool: Pool, k: number): void {
  const most = pool.target.reduce((most, _, i) => Math.max(most, countExcluded(pool.excluded, i, 1)), 0)
  const left = pool.rows - most
  if (k < left) return
  throw badOption(
    'abtest',
    'k',
    `less than the ${left} rows that ${pool.base.path} holds beside a context`,
    k,
    'use a smaller --k or a larger --bank',
  )
}

async function heuristicArms(names: string, chosen: Chosen, pool: Pool): Promise<Arm[]> {
  const asked = [...new Set(names.split(','))] as BaselineName[]
  const fitted = await fitBaselines(chosen.train, { names: asked, cache: baselinesCache() })
  if (fitted.length > 0) return fitted.map((baseline) => armOfHeuristic(baseline, chosen, pool))
  throw badOption(
    'abtest',
    'against',
    'a heuristic without fitting, because no training rows are known here,',
    names,
    'use --against copy_last,context_mean',
  )
}

/**
 * Loads runs and fits heuristics for one comparison; all runs must be evaluated on the windows of the first.
 *
 * Errors: those of load and of the data; BAD_OPTION for runs with other windows, a bank without the targets, or a k that selects nothing;
 * GATE_FAILED when targets cannot be told apart in the bank.
 */
export async function openContest(runs: readonly string[], o: Asked): Promise<Contest> {
  const opened: (() => void)[] = []
  const dispose = () => {
    for (const close of opened.splice(0).reverse()) close()
  }
  try {
    const models: Model[] = []
    let shared: { name: string; chosen: Chosen } | undefined
    for (const run of runs) {
      o.say(`${run}: loading`)
      const model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
      opened.push(() => model.dispose())
      models.push(model)
      const chosen = await chooseRows(model, o)
      opened.push(() => chosen.dispose())
      if (shared === undefined) shared = { name: run, chosen }
      else requireAlike({ name: shared.name, on: likeness(shared.chosen) }, { name: run, on: likeness(chosen) })
    }
    const { chosen } = shared!
    const pool = await openPool(chosen, o)
    opened.push(() => pool.dispose())
    requireSelection(pool, o.k)
    o.say('searching with the targets, to check the bank')
    const oracle = await consultOracle(chosen, pool)
    if (!oracle.valid) throw new LvmError('GATE_FAILED', `abtest: ${oracleSentence(oracle)}`)
    const arms = [...models.map((model) => armOfRun(model, chosen, pool)), ...(await heuristicArms(o.against, chosen, pool))]
    opened.push(() => {
      for (const arm of arms) arm.dispose()
    })
    return { chosen, pool, oracle, models, arms, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}
