import { setTimeout as sleep } from 'node:timers/promises'
import { asLvmError, LvmError } from '../errors.js'
import type { Holder } from './holder.js'
import { lockHolder, lockRun } from './lock.js'

/** Default timeout, far longer than a download and its unpacking. Units: ms. */
const TIMEOUT = 60 * 60_000

/**
 * Takes the lock of a folder, runs `work` and releases it; `waiting` is called once with the current holder.
 *
 * Errors: RUN_LOCKED with the holder when the lock is still held after `timeout` milliseconds.
 */
export async function withLock<T>(
  folder: string,
  waiting: (owner: string) => void,
  work: () => Promise<T>,
  { every = 500, timeout = TIMEOUT, what = 'libtorch' } = {},
): Promise<T> {
  const until = performance.now() + timeout
  for (let reported = false; ; ) {
    const lock = await lockRun(folder, what).catch((error) => {
      const { code, message } = asLvmError(error)
      if (code !== 'RUN_LOCKED') throw error
      if (performance.now() < until) return undefined
      const minutes = Math.round(timeout / 60_000)
      throw new LvmError(code, `${message}; gave up after ${minutes} minutes of waiting`, {
        cause: error,
        hint: `end that process, or delete ${folder}/lock if it no longer runs`,
      })
    })
    if (lock === undefined) {
      const holder: Holder | undefined = reported ? undefined : await lockHolder(folder)
      if (holder !== undefined) waiting(`process ${holder.pid} on ${holder.host}`)
      reported ||= holder !== undefined
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
