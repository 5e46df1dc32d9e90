import { queueServer } from '../loadtest/queue-server.mjs'
import type { Collector } from './collector.js'

/** Load tests of a server that fails now and then. */
export async function loads({ keep, events, read }: Collector): Promise<void> {
  const server = await queueServer({ service: 1, fault: (i) => (i > 20 && i < 60 && i % 5 === 0 ? 503 : undefined) })
  const common = `loadtest ${server.url} --warmup 0 --duration 0.3 --p99 5s --errors 1 --out L`
  const told = [
    ...(await events(`${common} --rate 100 --pid ${process.pid}`)),
    ...(await events(`${common} --max-rate 400 --precision 0.5`)),
    ...(await events(`${common} --closed --clients 2`)),
  ]
  for (const event of told) {
    const shared = ['load', 'warning'].includes(event.type)
    keep(`event ${event.type}${shared ? '' : ' of loadtest'}`, event)
    if (event.type === 'result') keep('loadtest.json', { ...(event as unknown as { loadtest: object }).loadtest, digest: '' })
  }
  keep('loadtest.json', read('L/loadtest.json'))
  await server.close()
}
