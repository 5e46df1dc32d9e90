import { join } from 'node:path'
import { LvmError } from '../../lib/errors.js'
import { start } from '../serve/client.js'
import { contexts } from '../serve/fake-engine.js'
import type { Collector } from './collector.js'

/** All events of a server. */
export async function serves({ folder, keep }: Collector): Promise<void> {
  const options = { runs: ['a'], bank: 'bank.npy', log: join(folder, 'served.jsonl') }
  const { server, events, post, get, seen, faults } = await start(options, { run: { scheme: 'int8', space: 'test' } })
  await post('/v1/predict', { contexts: contexts(1) })
  keep('error of serve', await (await get('/nothing')).json())
  faults.fails = () => new LvmError('OUT_OF_MEMORY', 'no memory')
  await post('/v1/predict', { contexts: contexts(1) })
  const { observe } = seen.opened[0]!
  observe({ type: 'fault', exit: 1, signal: null, reason: null, lost: 0 })
  observe({ type: 'fault', exit: null, signal: 'SIGKILL', reason: 'stuck', lost: 0 })
  observe({ type: 'restarted', seconds: 1 })
  await server.reload()
  faults.refuses = () => new LvmError('BAD_CHECKPOINT', 'damaged')
  await server.reload().catch(() => {})
  await server.close()
  for (const event of events) keep(`event ${event.type}`, event)
}
