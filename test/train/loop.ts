import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type TrainOptions, train } from '../../lib/index.js'

/** Delay of the event loop while `work` runs: 99th percentile and maximum. Units: milliseconds. */
export async function delay(work: () => Promise<void>): Promise<{ p99: number; max: number }> {
  const monitor = monitorEventLoopDelay({ resolution: 1 })
  monitor.enable()
  await work()
  monitor.disable()
  return { p99: monitor.percentile(99) / 1e6, max: monitor.max / 1e6 }
}

/** Delay of the event loop during a training, from its first step to its end. */
export async function delayOfTraining(options: TrainOptions): Promise<{ p99: number; max: number; events: number }> {
  const events = train(options)
  await events.next()
  let count = 0
  const late = await delay(async () => {
    for await (const _ of events) count++
  })
  return { ...late, events: count }
}
