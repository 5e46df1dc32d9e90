import { CONTROL, type Control } from '../control.js'
import { someData } from '../data/given-data.js'
import { asyncDoor, callback, only, optional, withFields, words } from '../door.js'
import type { ServeOptions, Serving } from './start-server.js'

/**
 * Serves runs over HTTP: predictions, the nearest rows of a bank, rollouts and sessions.
 *
 * Each run has an inference process of its own, which is started again when it ends. The call resolves when the server listens; an abort
 * before that stops it, and later closes the server as `close()` does.
 * Errors: BAD_OPTION before anything is loaded; those of `load`; SPACE_MISMATCH for a bank of another encoder; INTERRUPTED.
 */
export const serve = asyncDoor(
  'serve',
  {
    options: withFields({ runs: optional(words), bank: optional(someData), tell: optional(callback) }),
    control: only(CONTROL),
  },
  async (options: ServeOptions, control?: Control): Promise<Serving> => {
    const [{ startServer }, { openEngine }] = await Promise.all([import('./start-server.js'), import('./engine.js')]) // the libraries of a server take 0.2 s to load
    return startServer(options, openEngine, control)
  },
)
