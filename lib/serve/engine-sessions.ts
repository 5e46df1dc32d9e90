import { LvmError } from '../errors.js'
import type { Dispatch } from './dispatch.js'
import { askFeed, type Submit } from './engine-requests.js'
import type { Engine, ServedRun } from './engine-types.js'
import type { SessionTable } from './session-table.js'

/** Errors: BAD_REQUEST. */
function requireNext({ contexts: { longest }, architecture }: ServedRun, position: number): void {
  if (position <= longest) return
  const expected = `at most ${longest} vectors in a session, as this ${architecture} was built for,`
  throw new LvmError('BAD_REQUEST', `sessions: expected ${expected} but received another`, { hint: 'open a new session' })
}

/** The calls of an engine that concern sessions. */
export function sessionCalls(
  run: ServedRun,
  o: { sessions: SessionTable; works: Dispatch; submit: Submit },
): Pick<Engine, 'openSession' | 'feed' | 'endSession'> {
  const { sessions, works, submit } = o
  const { dim, causal, architecture } = run
  return {
    async openSession() {
      if (causal) return sessions.open().id
      throw new LvmError(
        'BAD_REQUEST',
        `sessions: expected a causal model but ${architecture} sees the whole context at every position`,
        { hint: 'send the whole context to predict' },
      )
    },
    async feed(id, vector, asked) {
      const session = sessions.find(id)
      if (vector.length !== dim)
        throw new LvmError('BAD_REQUEST', `sessions: expected a vector of ${dim} numbers but received ${vector.length}`)
      requireNext(run, session.position + session.pending + 1)
      session.pending++
      sessions.touch(session)
      let position = 0
      const sent = () => {
        session.started = true
      }
      const fed = () => {
        position = ++session.position
      }
      try {
        const feed = { state: session.state, batch: 1, key: id, vectors: vector, sent, fed }
        return { prediction: await askFeed(submit, dim, feed, asked), position }
      } finally {
        session.pending--
        sessions.touch(session)
      }
    },
    async endSession(id) {
      sessions.find(id)
      sessions.end(id)
      works.failWhere(({ key }) => key === id, sessions.goneError(id))
    },
  }
}
