import { asLvmError, LvmError } from '../errors.js'
import { removeRun } from './list-runs.js'
import { isRun } from './run-folder.js'
import { openStore, restoreRun, type Store } from './run-store.js'

/**
 * Opens the store of a new, resumed or overwritten run. An overwritten run stays until the first save of the new one; a damaged run is
 * resumed from its newest intact save.
 *
 * Errors: RUN_EXISTS, RUN_MISSING, RUN_LOCKED; BAD_CHECKPOINT without an intact save, unless the run is overwritten.
 */
export async function claimRun(owner: string, folder: string, o: { resume?: boolean; overwrite: boolean }): Promise<Store> {
  const exists = await isRun(folder)
  if (exists && !o.resume && !o.overwrite)
    throw new LvmError('RUN_EXISTS', `${owner}: expected a new run but ${folder} already holds one`, {
      ...(owner !== 'train' && { hint: 'use --name for another folder, or --overwrite' }),
    })
  if (!exists && o.resume) throw new LvmError('RUN_MISSING', `${owner}: expected a run to resume in ${folder} but there is none`)
  try {
    return await openStore(folder)
  } catch (error) {
    if (!(o.overwrite || o.resume) || asLvmError(error).code !== 'BAD_CHECKPOINT') throw error
    const restored = restoreRun(folder)
    if (o.overwrite) await restored.catch(() => removeRun(folder)) // intact saves stay until the new run's first save
    const back = o.resume ? await restored.catch(() => Promise.reject(error)) : undefined
    const store = await openStore(folder)
    return back === undefined
      ? store
      : {
          ...store,
          rescued: `${asLvmError(error).message.split('; ')[0]}: resuming from save ${back.generation} of ${back.manifest.saved_at}`,
        }
  }
}
