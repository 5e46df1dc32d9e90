import type { Store } from '../../checkpoint/run-store.js'
import { inspectRun } from '../../checkpoint/verify-save.js'
import { LvmError } from '../../errors.js'
import type { Group } from '../../ranks/group.js'

/** Opens the run of a training: rank 0 locks it for writing, and the others read it after that. Errors: those of `claim`. */
export async function claimTogether(
  group: Group,
  claim: () => Promise<Store>,
  { folder, resume }: { folder: string; resume: boolean },
): Promise<Store> {
  if (group.follows) {
    await group.ofFirst('claimed', () => Promise.reject())
    return readOnlyStore(folder, resume)
  }
  const store = await claim()
  await group.ofFirst('claimed', async () => null)
  return store
}

/** The run of a training as a rank sees it that does not save: its current checkpoint, and no lock. Errors: RUN_MISSING. */
async function readOnlyStore(folder: string, resume: boolean): Promise<Store> {
  const checkpoint = resume ? (await inspectRun(folder, true)).checkpoint : undefined
  if (resume && checkpoint === undefined)
    throw new LvmError('RUN_MISSING', `train: expected a run to resume in ${folder} but there is none`, {
      hint: 'with ranks on several machines the folder of runs must be shared',
    })
  return {
    folder,
    current: () => checkpoint,
    save: () => Promise.reject(new LvmError('INTERNAL', 'train: only rank 0 saves')),
    close: async () => {},
  }
}
