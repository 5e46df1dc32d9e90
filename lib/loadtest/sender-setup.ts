import type { Connection } from './connection.js'
import type { AnswerForm, Message } from './request.js'

/** Start values of a sending thread. */
export interface SenderSetup {
  readonly connection: Connection
  /** Most connections of this thread. */
  readonly connections: number
  readonly message: Omit<Message, 'body'>
  readonly bodies: readonly Uint8Array[]
  readonly form: AnswerForm
  /** Sessions of this thread; 0 for requests without a session. */
  readonly sessions: number
  /** Vectors after which a session is replaced by a new one. */
  readonly sessionLength: number
}
