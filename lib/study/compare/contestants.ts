import { type BaselineName, fitBaselines } from '../../baselines/baselines-fit.js'
import { baselinesCache } from '../../baselines/kept-fits.js'
import { keptReader } from '../../baselines/kept-predictions.js'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import { badOption } from '../../errors.js'
import { openOutsider } from '../../evaluate/outside/open-outsider.js'
import type { Outsider } from '../../evaluate/outside/outsider.js'
import { type Chosen, chooseRows, describeRun } from '../../evaluate/subject.js'
import type { Options } from '../../options.js'
import { counted, stage } from '../../stages.js'
import type { compareFields } from './compare-fields.js'
import type { Entrant } from './entrants.js'
import { type Likeness, likeness, requireAlike } from './likeness.js'
import { openSharedWindows, type SharedWindows, type Values } from './shared-windows.js'

/** One side of a comparison, measured. */
export interface Contestant {
  readonly name: string
  readonly kind: 'run' | 'baseline' | 'outside'
  readonly model: string | null
  /** Figures of each training; one unless a run was trained with several seeds. */
  readonly values: readonly Values[]
  /** Of a predictor that is no run: the share of the windows that it was trained on; null when that is not known. */
  readonly trained_on?: number | null
}
export type Asked = Options<typeof compareFields> & { readonly data: string | undefined; readonly say: (line: string) => void }

async function baselineValues(name: BaselineName, shared: SharedWindows): Promise<Values> {
  const [baseline] = await fitBaselines(shared.chosen.train, { names: [name], cache: baselinesCache() })
  if (baseline === undefined)
    throw badOption('compare', 'contestants', 'a baseline without fitting (no training rows are known here)', name)
  try {
    return await shared.values((ids) => baseline.predict(shared.chosen, ids))
  } finally {
    baseline.dispose()
  }
}

/** Opens a run with its windows; the caller disposes of both. */
async function opened(name: string, o: Asked): Promise<{ model: Model; chosen: Chosen }> {
  const model = await load(name, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  try {
    return { model, chosen: await chooseRows(model, o) }
  } catch (error) {
    model.dispose()
    throw error
  }
}

/** Returns the windows of the run that sees most, after all runs are found to be evaluated on windows with the same targets. */
async function widest(runs: readonly string[], o: Asked): Promise<Chosen> {
  let most: Chosen | undefined
  let first: { name: string; on: Likeness } | undefined
  try {
    for (const name of runs) {
      const chosen = await chooseRows(await describeRun(name), o)
      const spare = most !== undefined && chosen.windows.context <= most.windows.context ? chosen : most
      if (spare !== chosen) most = chosen
      spare?.dispose()
      const own = { name, on: likeness(chosen) }
      first ??= own
      requireAlike(first, own)
    }
    return most!
  } catch (error) {
    most?.dispose()
    throw error
  }
}

async function runValues(name: string, shared: SharedWindows, o: Asked): Promise<{ model: string; values: Values }> {
  const { model, chosen } = await opened(name, o)
  try {
    // Windows of equal targets have equal numbers, whatever their contexts are.
    return { model: model.manifest.model, values: await shared.values(keptReader(model, chosen)) }
  } finally {
    chosen.dispose()
    model.dispose()
  }
}

/** Measures a predictor that is no run on the windows of the run `beside`. */
async function measuredOutsider(outsider: Outsider, beside: string, shared: SharedWindows, o: Asked): Promise<Contestant> {
  const opened = await openOutsider(outsider, beside, o)
  try {
    o.say(`${opened.name}: predicting`)
    const values = [await shared.values((ids) => opened.read(ids))]
    return { name: opened.name, kind: 'outside', model: null, values, trained_on: opened.trainedOn }
  } finally {
    opened.dispose()
  }
}

async function measured(
  { name, baseline, outsider, trainings }: Entrant,
  fold: number,
  { shared, beside }: { readonly shared: SharedWindows; readonly beside: string },
  o: Asked,
): Promise<Contestant> {
  if (outsider !== undefined) return measuredOutsider(outsider, beside, shared, o)
  if (baseline !== undefined) {
    o.say(`${name}: fitting on the training windows`)
    return { name, kind: 'baseline', model: null, values: [await baselineValues(baseline, shared)] }
  }
  const values: Values[] = []
  let model = ''
  for (const runs of trainings) {
    o.say(`${runs[fold]}: predicting`)
    const one = await runValues(runs[fold]!, shared, o)
    values.push(one.values)
    model = one.model
  }
  return { name, kind: 'run', model, values }
}

/**
 * Measures all contestants on the same targets of one fold; the pool leaves out, and baselines read, what the run that sees most
 * has seen.
 *
 * Errors: those of load and of the data; BAD_OPTION for a run with other windows, with the difference.
 */
export async function gather(
  entrants: readonly Entrant[],
  fold: number,
  o: Asked,
): Promise<{ shared: SharedWindows; contestants: readonly Contestant[] }> {
  const runs = entrants.flatMap(({ trainings }) => trainings.map((each) => each[fold]!))
  const chosen = await stage('choose the windows', () => widest(runs, o))
  let shared: SharedWindows | undefined
  try {
    shared = await stage('open the pool', () => openSharedWindows(chosen, o))
    const contestants: Contestant[] = []
    for (const entrant of counted(entrants))
      contestants.push(await stage(entrant.name, () => measured(entrant, fold, { shared: shared!, beside: runs[0]! }, o)))
    return { shared, contestants }
  } catch (error) {
    shared?.dispose()
    chosen.dispose()
    throw error
  }
}
