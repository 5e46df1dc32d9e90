import { asLvmError, LvmError } from '../../errors.js'
import { jsonHash, sha256 } from '../../files/hash.js'
import { addonPath } from '../../libtorch/load-libtorch.js'
import { threadsOfEnvironment, usableThreads } from '../../libtorch/machine.js'
import { packageVersion } from '../../libtorch/paths.js'
import { native } from '../../native.js'
import { openGroup, placeOf } from '../../ranks/group.js'
import type { RankWork } from '../../ranks/launch.js'
import { type SharedGroup, sharing, type Task } from '../../ranks/shared-work.js'
import { type Opening, rankHelper } from './rank-helper.js'

/** Options that may differ between ranks: paths are compared by content, the rest concerns one machine. */
const OWN = ['data', 'bank', 'out', 'threads', 'say']

interface Asked extends Opening {
  readonly processes: number | undefined
  readonly rankTimeout: number | undefined
}

/** A lost rank leaves nothing behind that could be continued. */
function again(error: LvmError): LvmError {
  if (error.code !== 'RANK_LOST') return error
  const told = new LvmError('RANK_LOST', error.message, { cause: error, hint: 'nothing was written: start all processes again' })
  if (error.reported) told.reported = true
  return told
}

/**
 * Does the work of a verb in this process or, with `processes` or the environment of a launcher, together with other ranks: rank 0
 * does it, and the others share its predictions and searches. All return what rank 0 made; `first` is false on the others.
 *
 * Errors: BAD_OPTION, DEVICE_UNAVAILABLE, RANK_MISMATCH, RANK_LOST; those of the work.
 */
export async function withRanks<T, O extends Asked>(
  verb: Exclude<RankWork['verb'], 'train'>,
  given: Readonly<Record<string, unknown>>,
  o: O,
  work: (o: O) => Promise<T>,
): Promise<{ value: T; first: boolean }> {
  const place = placeOf(verb, o)
  if (place === undefined) return { value: await work(o), first: true }
  if (o.device !== 'auto' && o.device !== 'cpu')
    throw new LvmError(
      'DEVICE_UNAVAILABLE',
      `${verb}: expected cpu for "device" with several processes but received "${o.device}"`,
      {
        hint: 'use --device cpu, or one process',
      },
    )
  const { processes, say, ...options } = given
  const group: SharedGroup = await openGroup<Task>(place, { verb, options }, o)
  const threads = o.threads ?? threadsOfEnvironment() ?? Math.max(1, Math.floor(usableThreads() / group.local))
  const own = { ...o, threads, device: 'cpu' }
  const helper = rankHelper(group, own)
  try {
    await group.requireSame({
      options: jsonHash(Object.fromEntries(Object.entries(options).filter(([key]) => !OWN.includes(key)))),
      code: [packageVersion(), await sha256(addonPath())],
      libtorch: native.libtorchVersion(),
    })
    await group.connect()
    group.note('judging')
    const value = await group.ofFirst('judged', () => sharing(group, () => work(own)), helper.help)
    await group.finish()
    return { value, first: !group.follows }
  } catch (error) {
    throw again(asLvmError(await group.failed(error)))
  } finally {
    helper.dispose()
    await group.close()
  }
}
