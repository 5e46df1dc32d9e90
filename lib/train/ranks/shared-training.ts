import { createHash } from 'node:crypto'
import type { HistoryRow } from '../../checkpoint/run-manifest.js'
import { asLvmError, badOption, LvmError } from '../../errors.js'
import { jsonHash, sha256 } from '../../files/hash.js'
import { addonPath } from '../../libtorch/load-libtorch.js'
import { threadsOfEnvironment, usableThreads } from '../../libtorch/machine.js'
import { packageVersion } from '../../libtorch/paths.js'
import { native } from '../../native.js'
import type { Group, Help } from '../../ranks/group.js'
import { helpEvaluate } from '../evaluate-windows.js'
import type { TrainSettings } from '../recipe.js'
import type { Session } from '../session.js'

/** Options that may differ between ranks: paths are compared by content, the rest concerns rank 0 or one machine. */
const OWN = 'data val encoder init name out log logEvery saveEvery keepBest keepLast resume overwrite force device threads'.split(
  ' ',
)

/** Errors: BAD_OPTION for a training that several processes cannot share; DEVICE_UNAVAILABLE for a device other than the CPU. */
export function requireShareable({ loss, device }: TrainSettings): void {
  if (loss.endsWith('contrastive'))
    throw badOption('train', 'loss', 'mse or cosine with several processes, whose batches would lack each other’s targets,', loss)
  if (device !== 'auto' && device !== 'cpu')
    throw new LvmError('DEVICE_UNAVAILABLE', `train: expected cpu for "device" with several processes but received "${device}"`, {
      hint: 'use --device cpu, or one process',
    })
}

/** Threads of this rank: those given, or its part of the processors; a resumed run's count only if it fits. */
export function threadsOf(group: Group | undefined, threads: number | undefined, isResumed: boolean): number | undefined {
  if (group === undefined || (threads !== undefined && !isResumed)) return threads
  const most = threadsOfEnvironment() ?? Math.max(1, Math.floor(usableThreads() / group.local))
  return Math.min(threads ?? most, most)
}

const idsHash = (ids: Int32Array): string => createHash('sha256').update(ids).digest('hex')

/** Checks that all ranks train the same, connects them and gives all the state of rank 0. Errors: RANK_MISMATCH, RANK_LOST. */
export async function begin(group: Group, { plan, data, spec, trainer, progress }: Session): Promise<void> {
  const train = Object.fromEntries(Object.entries(plan.train).filter(([key]) => !OWN.includes(key)))
  await group.requireSame({
    data: [data.train.base.hash, data.val.base.hash],
    split: [idsHash(data.split.train), idsHash(data.split.val)],
    options: jsonHash({ train, model: plan.model }),
    model: jsonHash(spec),
    checkpoint: [progress.epoch, progress.optimizer_steps],
    code: [packageVersion(), await sha256(addonPath())],
    libtorch: native.libtorchVersion(),
  })
  await group.connect(trainer)
}

/** Does with rank 0 what all ranks do together. */
export function helped(session: Session, what: Help): Promise<unknown> {
  if (what === 'swap') return native.trainerSwap(session.trainer)
  return what === 'state' ? native.trainerServe(session.trainer) : helpEvaluate(session, what)
}

/** Returns rank 0's evaluation of an epoch on all ranks. Errors: INTERRUPTED on all of them when it was stopped. */
export async function rowOfFirst(session: Session, group: Group, evaluate: () => Promise<HistoryRow>): Promise<HistoryRow> {
  const evaluated = async () => {
    try {
      return { row: await evaluate() }
    } catch (error) {
      if (group.lost.aborted) throw new LvmError('RANK_LOST', 'a rank ended during the evaluation', { cause: error })
      if (asLvmError(error).code !== 'INTERRUPTED') throw error
      return { row: null }
    }
  }
  const { row } = await group.ofFirst('epoch', evaluated, (what) => helped(session, what))
  if (row !== null) return row
  group.stop()
  throw new LvmError('INTERRUPTED', 'training was stopped while it evaluated')
}
