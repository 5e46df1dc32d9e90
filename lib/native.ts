import { createRequire } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import type { Addon } from './addon.js'
import { asLvmError, LvmError } from './errors.js'
import { loadLibtorch } from './libtorch/load-libtorch.js'
import { threadsOfEnvironment, usableThreads } from './libtorch/machine.js'
import { stage } from './stages.js'

export type * from './addon.js'
export type * from './trainer-options.js'

function required(path: string, version: string, libtorch: string): Addon {
  try {
    return createRequire(import.meta.url)(path) as Addon
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_DLOPEN_FAILED') throw cause
    throw new LvmError(
      'LIBTORCH_MISMATCH',
      `libtorch: expected ${path} to fit libtorch ${version} in ${libtorch} but it does not load: ${(cause as Error).message}`,
      { cause, hint: 'run: npx lvm-torch libtorch install --force; in a clone: npm run build' },
    )
  }
}

let addon: Addon | undefined
const load = (): Addon => {
  if (addon === undefined) {
    const loaded = stage('load libtorch', () => {
      const { addon: path, version, libtorch } = loadLibtorch()
      return required(path, version, libtorch)
    })
    // process.exit() skips Node's own clean-up, and running work must not outlive libtorch.
    if (isMainThread) process.once('exit', (code) => loaded.leave(code))
    // libtorch starts with a thread per core, whatever a CPU quota grants, and never more than MKL finds cores.
    loaded.setThreads(threadsOfEnvironment() ?? usableThreads())
    addon = loaded
  }
  return addon
}

/** The addon, loaded on first use; converts everything it throws or rejects with to an LvmError. */
export const native: Addon = new Proxy({} as Addon, {
  get(_, name: keyof Addon) {
    const entry = (load() as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!
    return (...args: unknown[]) => {
      try {
        const result = entry(...args)
        return result instanceof Promise
          ? result.catch((error) => {
              throw asLvmError(error)
            })
          : result
      } catch (error) {
        throw asLvmError(error)
      }
    }
  },
})
