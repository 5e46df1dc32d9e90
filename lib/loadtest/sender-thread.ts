// A thread that sends requests at the times its clock gives it, or in a closed loop, and counts their ends.
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { now } from './arrivals.js'
import { openPool } from './connection.js'
import { flights } from './flights.js'
import type { StagePlan } from './load-stage.js'
import type { SenderSetup } from './sender-setup.js'
import { openLanes } from './session-lanes.js'
import { tally } from './tally.js'

/** A stage for a thread; without a port it sends in a closed loop. */
export interface StageOrder {
  readonly plan: StagePlan
  readonly port: MessagePort | null
  /** Becomes 1 when the stage is to end early. */
  readonly stop: Int32Array
}

const setup = workerData as SenderSetup
const pool = openPool(setup.connection, setup.connections)
const lanes = setup.sessions > 0 ? await openLanes(pool, setup) : undefined

type Fire = ReturnType<typeof flights>['fire']

/** Sends at the times that the clock gives. */
const openLoop = (port: MessagePort, fire: Fire) =>
  new Promise<void>((resolve) => {
    port.on('message', (due: number | null) => (due === null ? resolve() : fire(due)))
  }).finally(() => port.close())

/** Sends the next request of each client after the answer to its last. */
const closedLoop = (clients: number, until: number, stop: Int32Array, fire: Fire) =>
  Promise.all(
    Array.from({ length: clients }, async () => {
      while (now() < until && Atomics.load(stop, 0) === 0) await new Promise<void>((answered) => fire(now(), answered))
    }),
  )

/** Share of time in which this event loop was busy between two times. */
async function busyness(from: number, until: number): Promise<number> {
  await sleep(Math.max(0, from - now()))
  const before = performance.eventLoopUtilization()
  await sleep(Math.max(0, until - now()), undefined, { ref: false })
  return performance.eventLoopUtilization(before).utilization
}

async function stage({ plan, port, stop }: StageOrder): Promise<void> {
  const from = plan.start + plan.warmup
  const until = from + plan.measured
  const counts = tally(from, until, plan.limit)
  const sent = flights(pool, setup, lanes, counts)
  const before = performance.eventLoopUtilization()
  const busy = busyness(from, until)
  if (port === null) await closedLoop(plan.clients, until, stop, sent.fire)
  else await openLoop(port, sent.fire)
  const stopped = Atomics.load(stop, 0) !== 0
  await sent.end()
  const share = stopped ? performance.eventLoopUtilization(before).utilization : await busy
  parentPort!.postMessage(counts.result(sent.most(), share))
}

parentPort!.on('message', async (order: StageOrder | 'close') => {
  if (order !== 'close') return stage(order)
  await lanes?.close()
  await pool.destroy()
  parentPort!.close()
})
parentPort!.postMessage('ready')
