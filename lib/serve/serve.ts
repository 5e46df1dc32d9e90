import { someData } from '../data/given-data.js'
import { asyncDoor, callback, optional, withFields, words } from '../door.js'
import type { ServeOptions, Serving } from './start-server.js'

/**
 * Serves runs over HTTP: predictions, the nearest rows of a bank, rollouts and sessions.
 *
 * Each run has an inference process of its own, which is started again when it ends. The call resolves when the server listens.
 * Errors: BAD_OPTION before anything is loaded; those of `load`; SPACE_MISMATCH for a bank of another encoder.
 */
export const serve = asyncDoor(
  'serve',
  { options: withFields({ runs: optional(words), bank: optional(someData), tell: optional(callback) }) },
  async (options: ServeOptions): Promise<Serving> => {
    const [{ startServer }, { openEngine }] = await Promise.all([import('./start-server.js'), import('./engine.js')]) // the libraries of a server take 0.2 s to load
    return startServer(options, openEngine)
  },
)
