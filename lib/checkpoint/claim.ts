import { asLvmError, LvmError } from '../errors.js'
import { isRun } from './folder.js'
import { removeRun } from './runs.js'
import { openStore, restoreRun, type Store } from './store.js'

/**
 * Opens the store of a run, a new one unless it is resumed; a run that is overwritten stays until the first save of the new one.
 *
 * Errors: RUN_EXISTS, RUN_MISSING, RUN_LOCKED; BAD_CHECKPOINT for a damaged run, unless it is overwritten.
 */
export async function claimRun(owner: string, folder: string, o: { resume?: boolean; overwrite: boolean }): Promise<Store> {
  const exists = await isRun(folder)
  if (exists && !o.resume && !o.overwrite)
    throw new LvmError('RUN_EXISTS', `${owner}: expected a new run but ${folder} already holds one`)
  if (!exists && o.resume) throw new LvmError('RUN_MISSING', `${owner}: expected a run to resume in ${folder} but there is none`)
  try {
    return await openStore(folder)
  } catch (error) {
    if (!o.overwrite || asLvmError(error).code !== 'BAD_CHECKPOINT') throw error
    await restoreRun(folder).catch(() => removeRun(folder)) // what is whole of it stays, as a whole run does
    return openStore(folder)
  }
}
