import { setTimeout as sleep } from 'node:timers/promises'
import { asLvmError, LvmError } from '../errors.js'
import type { Holder } from './holder.js'
import { lockHolder, lockRun } from './lock.js'

/** A download and its unpacking end long before. Units: ms. */
const PATIENCE = 60 * 60_000

/**
 * Runs `work` while no other process holds the lock of a folder; `waiting` is told once who does.
 *
 * Errors: RUN_LOCKED with the holder when it has not let go after `patience` milliseconds.
 */
export async function withLock<T>(
  folder: string,
  waiting: (owner: string) => void,
  work: () => Promise<T>,
  { every = 500, patience = PATIENCE } = {},
): Promise<T> {
  const until = performance.now() + patience
  for (let told = false; ; ) {
    const lock = await lockRun(folder, 'libtorch').catch((error) => {
      const { code, message } = asLvmError(error)
      if (code !== 'RUN_LOCKED') throw error
      if (performance.now() < until) return undefined
      const minutes = Math.round(patience / 60_000)
      throw new LvmError(code, `${message}; it was waited for during ${minutes} minutes`, {
        cause: error,
        hint: `end that process, or delete ${folder}/lock if it no longer runs`,
      })
    })
    if (lock === undefined) {
      const holder: Holder | undefined = told ? undefined : await lockHolder(folder)
      if (holder !== undefined) waiting(`process ${holder.pid} on ${holder.host}`)
      told ||= holder !== undefined
      await sleep(every)
      continue
    }
    try {
      return await work()
    } finally {
      await lock.release()
    }
  }
}
