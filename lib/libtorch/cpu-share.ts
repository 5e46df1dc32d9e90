import { readdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { groupFolders, read } from './machine.js'

/** Timings beside a smaller share count as measured on a busy machine. */
const QUIET = 0.9
/** Processor time of other processes, as a share of that of this one and its children, below which threads wait only for each other. */
const ALONE = 0.05
/** Clock ticks per second in /proc; 100 on every Linux that Node supports. */
const TICKS = 100

/** Counters of Linux at one moment; null values are missing in this kernel. Units: seconds since each counter began. */
interface Counters {
  /** Processor time of all threads of this process, those that have ended included. */
  readonly own: number
  /** Processor time of child processes that have ended, with their own children. */
  readonly children: number
  /** Time that each living thread was ready to run without a processor. Source: Linux, Documentation/scheduler/sched-stats.rst */
  readonly waits: ReadonlyMap<string, number> | null
  /** Time without a processor because the CPU quota was used up, added over processors. */
  readonly throttled: number
  /** Processor time of all processes, and time that the hypervisor gave to other machines. */
  readonly busy: number
  readonly stolen: number
  /** Time of idle processors, and of all. */
  readonly idle: number
  readonly all: number
}

function waits(root: string): ReadonlyMap<string, number> | null {
  const tasks = join(root, 'proc/self/task')
  const found = new Map<string, number>()
  try {
    for (const task of readdirSync(tasks)) {
      const [, waited] = (read(join(tasks, task, 'schedstat')) ?? '').split(' ')
      if (waited !== undefined) found.set(task, Number(waited) / 1e9)
    }
  } catch {}
  return found.size === 0 ? null : found
}

function throttled(root: string): number {
  for (const folder of groupFolders('cpu', root).folders) {
    const stat = read(join(folder, 'cpu.stat')) ?? ''
    const [, usec] = /^throttled_usec (\d+)$/m.exec(stat) ?? []
    const [, nanoseconds] = /^throttled_time (\d+)$/m.exec(stat) ?? []
    const seconds = usec === undefined ? Number(nanoseconds ?? 0) / 1e9 : Number(usec) / 1e6
    if (seconds > 0) return seconds // groups above this one repeat its waits
  }
  return 0
}

/** Times of all processors. Source: proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal */
function processors(root: string): Pick<Counters, 'busy' | 'stolen' | 'idle' | 'all'> {
  const line = /^cpu +(.*)$/m.exec(read(join(root, 'proc/stat')) ?? '')?.[1]
  if (line !== undefined) {
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, stolen = 0] = line
      .split(' ')
      .map((ticks) => Number(ticks) / TICKS)
    const busy = user + nice + system + irq + softirq
    return { busy, stolen, idle: idle + iowait, all: busy + stolen + idle + iowait }
  }
  const times = cpus().map((cpu) => cpu.times)
  const sum = (of: (each: (typeof times)[number]) => number) => times.reduce((total, each) => total + of(each), 0) / 1000
  const [busy, idle] = [sum(({ user, nice, sys, irq }) => user + nice + sys + irq), sum((each) => each.idle)]
  return { busy, stolen: 0, idle, all: busy + idle }
}

/** Source: proc_pid_stat(5): cutime, cstime */
function childSeconds(root: string): number {
  const fields = (read(join(root, 'proc/self/stat')) ?? '').replace(/^.*\) /s, '').split(' ')
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / TICKS
}

function counters(root: string, own: () => number): Counters {
  return { own: own(), children: childSeconds(root), waits: waits(root), throttled: throttled(root), ...processors(root) }
}

function share(before: Counters, after: Counters): number | null {
  const over = (key: 'own' | 'children' | 'throttled' | 'busy' | 'stolen' | 'idle' | 'all') =>
    Math.max(0, after[key] - before[key])
  const own = over('own')
  if (after.waits === null) return over('all') > 0 && over('idle') / over('all') > 1 - QUIET ? 1 : null
  if (own === 0) return null
  const waited = Array.from(after.waits, ([task, time]) => time - (before.waits?.get(task) ?? 0)).reduce((a, b) => a + b, 0)
  const family = own + over('children')
  const alone = over('busy') - family < ALONE * family
  const lost = alone ? Math.min(waited, over('throttled')) : waited
  const stolen = over('stolen') / Math.max(over('stolen') + over('busy'), 1e-9)
  return (own / (own + lost)) * (1 - stolen)
}

const ownSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/**
 * Begins to watch; the returned function gives the share of the processor time that the threads of this process were ready to use and got.
 *
 * Waits for other threads of this process and for child processes that have ended do not count. Where the system does not count waits (macOS, Windows), the share is 1 if
 * processors were idle a tenth of the time, and null otherwise. It is null too if this process has not computed.
 */
export function watchCpuShare(root = '/', own: () => number = ownSeconds): () => number | null {
  const before = counters(root, own)
  return () => share(before, counters(root, own))
}

/** Whether timings beside this share were measured on a busy machine. */
export const isBusy = (share: number | null | undefined): boolean => share !== null && share !== undefined && share < QUIET

/** The sentence that marks timings of a busy machine; undefined for others, and for those without a share. */
export const busyNote = (share: number | null | undefined): string | undefined =>
  isBusy(share)
    ? `measured on a busy machine: this process got ${Math.floor(100 * share!)} % of the processor time that it was ready to use`
    : undefined

/** The sentence for the busiest of several timings; empty when none was measured on a busy machine. */
export function busyNotes(shares: readonly (number | null | undefined)[]): string[] {
  const known = shares.filter((share) => typeof share === 'number')
  const note = busyNote(known.length === 0 ? null : Math.min(...known))
  return note === undefined ? [] : [note]
}
