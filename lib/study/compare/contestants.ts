import { load } from '../../checkpoint/load-model.js'
import { findRun } from '../../checkpoint/run-folder.js'
import { badOption } from '../../errors.js'
import { BASELINES, type BaselineName, fitBaselines } from '../../evaluate/baselines-fit.js'
import { chooseRows, windowReader } from '../../evaluate/subject.js'
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

/**
 * Measures all contestants on the windows of the first run; every other run must be evaluated on the same windows.
 *
 * Errors: those of load and of the data; BAD_OPTION for a run with other windows, with the difference.
 */
export async function gather(
  names: readonly string[],
  o: Asked,
  say: (line: string) => void,
): Promise<{ shared: SharedWindows; contestants: readonly Contestant[] }> {
  const found = new Map<string, Contestant>()
  let first: { name: string; on: Likeness; shared: SharedWindows } | undefined
  const dispose = () => {
    first?.shared.dispose()
    first?.shared.chosen.dispose()
  }
  try {
    for (const name of names) {
      if (await isBaseline(name)) continue
      say(`${name}: predicting`)
      using model = await load(name, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
      const chosen = await chooseRows(model, o)
      const on = likeness(chosen)
      if (first === undefined) {
        const opened = await openSharedWindows(chosen, o).catch((error) => {
          chosen.dispose()
          throw error
        })
        first = { name, on, shared: opened }
      }
      const { shared } = first
      try {
        requireAlike(first, { name, on })
        // Windows of equal targets have equal numbers, whatever their contexts are.
        const values = await shared.values(windowReader(model)(chosen))
        found.set(name, { name: model.name, kind: 'run', model: model.manifest.model, values })
      } finally {
        if (chosen !== shared.chosen) chosen.dispose()
      }
    }
    for (const name of names) {
      if (found.has(name)) continue
      say(`${name}: fitting on the training windows`)
      found.set(name, await baselineValues(name as BaselineName, first!.shared))
    }
    return { shared: first!.shared, contestants: names.map((name) => found.get(name)!) }
  } catch (error) {
    dispose()
    throw error
  }
}
