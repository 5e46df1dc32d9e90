import { AsyncLocalStorage } from 'node:async_hooks'
import { LvmError } from './errors.js'

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

/** Progress of a stage that is open. Units: seconds. */
export interface OpenStage {
  readonly stage: string
  readonly seconds: number
  /** Parts that are done, of `total`; absent in a stage that counts nothing. */
  readonly done?: number
  readonly total?: number
}

/** What a verb does at the moment. */
export interface Moment {
  /** The stages that are open, the outermost first. */
  readonly open: readonly OpenStage[]
  /** The part of repeated work that is in progress, such as one of several runs. */
  readonly round?: { readonly name: string; readonly number: number; readonly of: number }
}

interface Clock {
  calls: number
  seconds: number
  cpu: number
  /** Calls that have begun and not ended, and the begin of the last one. Units: ms */
  open: number
  since: number
  tally?: { readonly done: number; readonly total: number } | undefined
  readonly inner: Map<string, Clock>
}
/** Is told of every change of a verb's stages. */
export interface StageListener {
  /** A stage began, or more of it is done. */
  readonly moved?: () => void
  /** A stage ended; `path` names the stages around it and itself. Units: seconds */
  readonly ended?: (path: readonly string[], seconds: number) => void
}
/** Follows and can stop work from outside, between its stages and between the parts that a stage counts. */
export interface Overseer {
  readonly signal?: AbortSignal | undefined
  readonly told?: ((moment: Moment) => void) | undefined
}
interface Work {
  readonly overseers?: readonly Overseer[]
  /** Clock of the whole work, whose open stages an overseer is told. */
  readonly root: Clock
  readonly clock: Clock
  readonly path: readonly string[]
  readonly whole: { round?: Moment['round']; readonly listener: StageListener }
}
const clockOf = (calls = 0, seconds = 0, cpu = 0): Clock => ({ calls, seconds, cpu, open: 0, since: 0, inner: new Map() })
const current = new AsyncLocalStorage<Work>()

const cpuSeconds = (before?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Error of work that a signal has stopped: its reason if that is one of ours. */
export const stoppedBy = ({ reason }: AbortSignal): LvmError =>
  reason instanceof LvmError
    ? reason
    : new LvmError('INTERRUPTED', 'the work was stopped by its signal', {
        cause: reason,
        hint: 'call it again; a training goes on with --resume',
      })

/** Errors: INTERRUPTED when a signal has stopped the work. */
export function requireGoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw stoppedBy(signal)
}

/** Errors: INTERRUPTED when an overseer has stopped the work. */
function requireWanted({ overseers = [] }: Work): void {
  for (const { signal } of overseers) requireGoing(signal)
}

function moved({ whole, overseers = [], root }: Work): void {
  whole.listener.moved?.()
  for (const { told } of overseers)
    told?.({ open: openStages(root, performance.now()), ...(whole.round && { round: whole.round }) })
}

/** Runs one stage of a verb; under `profiled` its time is added to those of the same name. */
export function stage<T>(name: string, work: () => T): T {
  const outer = current.getStore()
  if (outer === undefined) return work()
  const { whole } = outer
  const path = [...outer.path, name]
  requireWanted(outer)
  const clock = outer.clock.inner.get(name) ?? clockOf()
  outer.clock.inner.set(name, clock)
  const [began, before] = [performance.now(), process.cpuUsage()]
  Object.assign(clock, { open: clock.open + 1, since: began, tally: undefined })
  const end = () => {
    clock.calls++
    clock.open--
    const seconds = (performance.now() - began) / 1e3
    clock.seconds += seconds
    clock.cpu += cpuSeconds(before)
    whole.listener.ended?.(path, seconds)
  }
  moved(outer)
  let result: T
  try {
    result = current.run({ ...outer, clock, path }, work)
  } catch (error) {
    end()
    throw error
  }
  if (result instanceof Promise) return result.finally(end) as T
  end()
  return result
}

/** Tells the progress how much of the stage in progress is done. */
export function tally(done: number, total: number): void {
  const work = current.getStore()
  if (work === undefined) return
  requireWanted(work)
  work.clock.tally = { done, total }
  moved(work)
}

/** Waits for work unless a signal stops it first. Errors: INTERRUPTED. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let stop = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(stoppedBy(signal))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
  return Promise.race([work, stopped]).finally(() => signal.removeEventListener('abort', stop))
}

/** Signal of the overseers of the work in progress. */
export function stopSignal(): AbortSignal | undefined {
  const signals = current.getStore()?.overseers?.flatMap(({ signal }) => signal ?? []) ?? []
  return signals.length > 1 ? AbortSignal.any(signals) : signals[0]
}

/** Waits for work that cannot be stopped itself, such as a function of the caller. Errors: INTERRUPTED as soon as an overseer stops it. */
export const unlessStopped = <T>(work: Promise<T>): Promise<T> => unlessAborted(work, stopSignal())

/** Goes through the parts of a stage and tells the progress how many are done. */
export function* counted<T>(parts: readonly T[]): Iterable<T> {
  for (const [i, part] of parts.entries()) {
    tally(i, parts.length)
    yield part
  }
  tally(parts.length, parts.length)
}

/** Goes through work that repeats the stages of a verb, such as one run after the other, and tells the progress which is in progress. */
export function* rounds<T>(parts: readonly T[], nameOf: (part: T) => string = String): Iterable<T> {
  const whole = current.getStore()?.whole
  for (const [i, part] of parts.entries()) {
    if (whole !== undefined) whole.round = { name: nameOf(part), number: i + 1, of: parts.length }
    yield part
  }
}

const written = (name: string, { calls, seconds, cpu, inner }: Clock): Stage => ({
  stage: name,
  calls,
  seconds,
  cpu_seconds: cpu,
  stages: Array.from(inner, ([own, clock]) => written(own, clock)),
})

/** The open stages from the outermost on; of stages that are open at once, the one that began last. */
function openStages({ inner }: Clock, now: number): OpenStage[] {
  const [latest] = [...inner].filter(([, { open }]) => open > 0).sort(([, a], [, b]) => b.since - a.since)
  if (latest === undefined) return []
  const [stage, clock] = latest
  return [{ stage, seconds: (now - clock.since) / 1e3, ...clock.tally }, ...openStages(clock, now)]
}

/** Work under a clock, which counts from the start of the process. */
export interface Profiled<T> {
  readonly done: Promise<T>
  /** Times of all stages so far. */
  stages(): Stage
  moment(): Moment
}

/** Runs work under a clock. */
export function profiled<T>(name: string, work: () => Promise<T>, listener: StageListener = {}): Profiled<T> {
  const clock = clockOf()
  clock.inner.set('start', clockOf(1, process.uptime(), cpuSeconds()))
  const whole: Work['whole'] = { listener }
  return {
    done: current.run({ clock, root: clock, path: [], whole }, work),
    stages: () => written(name, { ...clock, calls: 1, seconds: process.uptime(), cpu: cpuSeconds() }),
    moment: () => ({ open: openStages(clock, performance.now()), ...(whole.round && { round: whole.round }) }),
  }
}

/** Runs work that an overseer follows, beside those of the work around it. */
export function overseen<T>(overseer: Overseer, work: () => Promise<T>): Promise<T> {
  const outer = current.getStore()
  const { clock = clockOf(), path = [], whole = { listener: {} }, overseers = [] } = outer ?? {}
  return current.run({ clock, root: clock, path, whole, overseers: [...overseers, overseer] }, work)
}
