import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests that may wait on one connection; they fit in one read of a socket, so Node parses them before it can stop reading. */
const MOST_WAITING = 256

/** Requests of a connection. */
interface Turns {
  waiting: number
  /** Resolves when the latest of them is answered. */
  last: Promise<void>
}
const turns = new WeakMap<Socket, Turns>()

/**
 * Waits until the earlier requests on a connection are answered; returns false when it has ended, or was ended because too many waited.
 *
 * Without it a client that sends many requests and reads nothing fills the memory, and Node never says that their answers are not wanted.
 */
export async function awaitTurn(socket: Socket, answer: ServerResponse): Promise<boolean> {
  const own = turns.get(socket) ?? { waiting: 0, last: Promise.resolve() }
  turns.set(socket, own)
  const { last } = own
  own.last = new Promise((done) => answer.once('close', done))
  if (++own.waiting > MOST_WAITING) socket.destroy()
  await last
  own.waiting--
  return !socket.destroyed
}
