import { asLvmError } from '../../errors.js'
import type { Told } from '../train-events.js'
import { LiveTraining } from './live-training.js'
import { openWatchServer } from './watch-server.js'

/** A training that a page shows, and the server of the page. */
export async function openWatch(port: number) {
  const training = new LiveTraining()
  return { training, server: await openWatchServer(port, training) }
}
export type Watch = Awaited<ReturnType<typeof openWatch>>

/** Passes events on, and shows them on the page until they end; tells its address first. */
export async function* shownOn({ training, server }: Watch, events: AsyncIterable<Told>): AsyncGenerator<Told> {
  try {
    yield { type: 'watch', url: server.url }
    for await (const event of events) {
      training.hear(event)
      server.changed()
      yield event
    }
  } catch (error) {
    training.end(asLvmError(error))
    throw error
  } finally {
    training.end()
    await server.close()
  }
}
