import { BASELINES, type BaselineName, fitBaselines } from '../../baselines/baselines-fit.js'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import { findRun } from '../../checkpoint/run-folder.js'
import { badOption } from '../../errors.js'
import { type Chosen, chooseRows, windowReader } from '../../evaluate/subject.js'
import type { Options } from '../../options.js'
import type { compareFields } from './compare-fields.js'
import { type Likeness, likeness, requireAlike } from './likeness.js'
import { openSharedWindows, type SharedWindows, type Values } from './shared-windows.js'

/** One side of a comparison: a run, or a baseline by its name. */
export interface Contestant {
  readonly name: string
  readonly kind: 'run' | 'baseline'
  readonly model: string | null
  readonly values: Values
}
export type Asked = Options<typeof compareFields> & { readonly data: string | undefined }

/** Whether a name means a baseline; a run of that name takes precedence. Errors: RUN_MISSING when it is neither. */
export async function isBaseline(name: string): Promise<boolean> {
  try {
    await findRun(name)
    return false
  } catch (error) {
    if ((BASELINES as readonly string[]).includes(name)) return true
    throw error
  }
}

async function baselineValues(name: BaselineName, shared: SharedWindows): Promise<Contestant> {
  const [baseline] = await fitBaselines(shared.chosen.train, [name])
  if (baseline === undefined)
    throw badOption('compare', 'contestants', 'a baseline without fitting (no training rows are known here)', name)
  try {
    return { name, kind: 'baseline', model: null, values: await shared.values((ids) => baseline.predict(shared.chosen, ids)) }
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
      const { model, chosen } = await opened(name, o)
      model.dispose()
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

/**
 * Measures all contestants on the same targets; the pool leaves out, and baselines read, what the run that sees most has seen.
 *
 * Errors: those of load and of the data; BAD_OPTION for a run with other windows, with the difference.
 */
export async function gather(
  names: readonly string[],
  o: Asked,
  say: (line: string) => void,
): Promise<{ shared: SharedWindows; contestants: readonly Contestant[] }> {
  const runs: string[] = []
  for (const name of names) if (!(await isBaseline(name))) runs.push(name)
  const chosen = await widest(runs, o)
  let shared: SharedWindows | undefined
  try {
    shared = await openSharedWindows(chosen, o)
    const found = new Map<string, Contestant>()
    for (const name of runs) {
      say(`${name}: predicting`)
      const run = await opened(name, o)
      try {
        // Windows of equal targets have equal numbers, whatever their contexts are.
        const values = await shared.values(windowReader(run.model)(run.chosen))
        found.set(name, { name: run.model.name, kind: 'run', model: run.model.manifest.model, values })
      } finally {
        run.chosen.dispose()
        run.model.dispose()
      }
    }
    for (const name of names) {
      if (found.has(name)) continue
      say(`${name}: fitting on the training windows`)
      found.set(name, await baselineValues(name as BaselineName, shared))
    }
    return { shared, contestants: names.map((name) => found.get(name)!) }
  } catch (error) {
    shared?.dispose()
    chosen.dispose()
    throw error
  }
}
