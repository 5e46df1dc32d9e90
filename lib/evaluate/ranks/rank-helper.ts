import { predictTogether } from '../../baselines/kept-predictions.js'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import type { Base } from '../../data/base.js'
import { LvmError } from '../../errors.js'
import type { SharedGroup, Task, Windows } from '../../ranks/shared-work.js'
import type { Exclude } from '../exclusions.js'
import { openPool } from '../pool.js'
import type { Pool } from '../search.js'
import { type Chosen, chooseRows } from '../subject.js'
import { searchTogether } from './search-pass.js'

/** Options by which every rank opens the same windows and pools. */
export type Opening = Parameters<typeof chooseRows>[1] & {
  readonly device: string
  readonly threads: number | undefined
  readonly bank?: string | Base | undefined
  readonly exclude?: Exclude
}

/** What a rank other than 0 has open: the run and the windows that rank 0 judges at the moment. */
interface Open {
  readonly windows: Windows
  readonly model: Model
  readonly chosen: Chosen
  pool?: Pool
}

function close(open: Open | undefined): void {
  open?.pool?.dispose()
  open?.chosen.dispose()
  open?.model[Symbol.dispose]()
}

/** How other ranks open the windows of a run. */
export const sharedWindows = (
  { folder, weights }: Model,
  { base, ids }: Pick<Chosen, 'base' | 'ids'>,
  rows: string,
): Windows => ({
  run: folder,
  rows,
  weights,
  data: base.hash,
  count: ids.length,
})

/** Errors: RANK_MISMATCH for other weights or data than those of rank 0. */
function requireEqual(first: Windows, own: Windows): void {
  for (const key of ['weights', 'data', 'count'] as const)
    if (own[key] !== first[key])
      throw new LvmError('RANK_MISMATCH', `${first.run}: expected the ${key} of rank 0, ${first[key]}, but received ${own[key]}`)
}

/** Does on a rank other than 0 the parts of predictions and searches that rank 0 shares. */
export function rankHelper(group: SharedGroup, o: Opening) {
  let open: Open | undefined
  const opened = async (windows: Windows): Promise<Open> => {
    if (open?.windows.run === windows.run && open.windows.rows === windows.rows) return open
    close(open)
    open = undefined
    const model = await load(windows.run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
    try {
      open = { windows, model, chosen: await chooseRows(model, { ...o, rows: windows.rows as Opening['rows'] }) }
    } catch (error) {
      model[Symbol.dispose]()
      throw error
    }
    requireEqual(windows, sharedWindows(model, open.chosen, windows.rows))
    return open
  }
  return {
    async help(task: Task): Promise<void> {
      const at = await opened(task.of)
      if (task.do === 'predict') {
        group.note(`predicting windows of ${task.of.run}`)
        const whole = await predictTogether(group, at.model, at.chosen, task.from, task.to)
        whole.dispose()
        return
      }
      group.note(`searching for targets of ${task.of.run}`)
      at.pool ??= await openPool(at.chosen, { bank: o.bank, ...(o.exclude && { exclude: o.exclude }) })
      await searchTogether(group, at.pool, task)
    },
    dispose(): void {
      close(open)
      open = undefined
    },
  }
}
