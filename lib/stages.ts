import { AsyncLocalStorage } from 'node:async_hooks'

/** Time of one stage of a verb, with the stages inside it. Units: seconds. */
export interface Stage {
  readonly stage: string
  /** Number of times that the stage ran. */
  readonly calls: number
  readonly seconds: number
  /** Processor time of all threads of this process, user and system. */
  readonly cpu_seconds: number
  readonly stages: readonly Stage[]
}

interface Clock {
  calls: number
  seconds: number
  cpu: number
  readonly inner: Map<string, Clock>
}
const clockOf = (calls = 0, seconds = 0, cpu = 0): Clock => ({ calls, seconds, cpu, inner: new Map() })
const current = new AsyncLocalStorage<Clock>()

const cpuSeconds = (before?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Runs one stage of a verb; under `profiled` its time is added to those of the same name. */
export function stage<T>(name: string, work: () => T): T {
  const outer = current.getStore()
  if (outer === undefined) return work()
  const clock = outer.inner.get(name) ?? clockOf()
  outer.inner.set(name, clock)
  const [began, before] = [performance.now(), process.cpuUsage()]
  const end = () => {
    clock.calls++
    clock.seconds += (performance.now() - began) / 1e3
    clock.cpu += cpuSeconds(before)
  }
  const result = current.run(clock, work)
  if (result instanceof Promise) return result.finally(end) as T
  end()
  return result
}

const written = (name: string, { calls, seconds, cpu, inner }: Clock): Stage => ({
  stage: name,
  calls,
  seconds,
  cpu_seconds: cpu,
  stages: Array.from(inner, ([own, clock]) => written(own, clock)),
})

/** Runs work with a clock, which counts from the start of the process; `stages` returns the times so far. */
export function profiled<T>(name: string, work: () => Promise<T>): { readonly done: Promise<T>; stages(): Stage } {
  const whole = clockOf()
  whole.inner.set('start', clockOf(1, process.uptime(), cpuSeconds()))
  return {
    done: current.run(whole, work),
    stages: () => written(name, { ...whole, calls: 1, seconds: process.uptime(), cpu: cpuSeconds() }),
  }
}
