// A thread that sleeps until each arrival and then wakes a sending thread: timers of an event loop are only precise to a millisecond.
import { type MessagePort, workerData } from 'node:worker_threads'
import { arrivals, now } from './arrivals.js'
import type { StagePlan } from './load-stage.js'

const { plan, ports, stop } = workerData as { plan: StagePlan; ports: readonly MessagePort[]; stop: Int32Array }

let next = 0
for (const at of arrivals(plan.rate!, plan.seed, plan.warmup + plan.measured)) {
  const due = plan.start + at
  const rest = due - now()
  if (rest > 0) Atomics.wait(stop, 0, 0, rest)
  if (Atomics.load(stop, 0) !== 0) break
  ports[next++ % ports.length]!.postMessage(due)
}
for (const port of ports) port.postMessage(null)
for (const port of ports) port.close()
