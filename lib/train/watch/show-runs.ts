import { asLvmError } from '../../errors.js'
import { LiveRuns } from './live-runs.js'
import { type WatchOption, watchedPort } from './watch-fields.js'
import { RUNS_PAGE } from './watch-page.js'
import { openWatchServer } from './watch-server.js'

/** Changes what the page shows; does nothing without a page. */
export type Change = (what: (live: LiveRuns) => void) => void

/**
 * Shows the runs of `work` on a page until it ends, where one is asked for; tells its address first.
 *
 * Errors: BAD_OPTION for a port that is in use, and those of `work`.
 */
export async function shownRuns<T extends { readonly stopped: boolean }>(
  { watch, title, tell }: { watch: WatchOption | undefined; title: string; tell: (url: string) => void },
  work: (change: Change, live: LiveRuns | undefined) => Promise<T>,
): Promise<T> {
  const port = watchedPort(watch)
  if (port === undefined) return work(() => {}, undefined)
  const live = new LiveRuns(title)
  const server = await openWatchServer(port, live, { page: RUNS_PAGE })
  const change: Change = (what) => {
    what(live)
    server.changed()
  }
  try {
    tell(server.url)
    const made = await work(change, live)
    live.end(made.stopped ? 'stopped' : 'finished')
    return made
  } catch (error) {
    live.end('failed', asLvmError(error))
    throw error
  } finally {
    await server.close()
  }
}
