import { decimal, percent, table } from '../lib/show.js'
import { profiled, type Stage } from '../lib/stages.js'

/** Least share of the whole that gets a line. */
const LEAST = 0.005

interface Line {
  readonly depth: number
  readonly stage: string
  readonly calls: number | null
  readonly seconds: number
  readonly cpu: number
}

/** Lines of a stage and the stages inside it, the longest first; what they do not cover is the rest. */
function lines({ stage, calls, seconds, cpu_seconds: cpu, stages }: Stage, depth = 0): Line[] {
  const inner = stages.toSorted((a, b) => b.seconds - a.seconds)
  const sum = (key: 'seconds' | 'cpu_seconds') => inner.reduce((total, one) => total + one[key], 0)
  const rest = {
    depth: depth + 1,
    stage: 'the rest',
    calls: null,
    seconds: seconds - sum('seconds'),
    cpu: cpu - sum('cpu_seconds'),
  }
  return [
    { depth, stage, calls, seconds, cpu },
    ...inner.flatMap((one) => lines(one, depth + 1)),
    ...(inner.length > 0 ? [rest] : []),
  ]
}

/** Table of the stages of a verb with their share of its time. */
export function profileTable(whole: Stage): string {
  const shown = lines(whole).filter(({ seconds }) => seconds >= LEAST * whole.seconds)
  return table(shown, {
    stage: ({ depth, stage }) => `${'  '.repeat(depth)}${stage}`,
    calls: ({ calls }) => calls,
    seconds: ({ seconds }) => decimal(seconds, '', 2),
    share: ({ seconds }) => percent(seconds / whole.seconds),
    'processor, s': ({ cpu }) => decimal(cpu, '', 2),
  })
}

let clock: { stages(): Stage } | undefined

/** Runs a verb under the clock of `--profile`. */
export async function underClock(verb: string, work: () => Promise<void>): Promise<void> {
  const running = profiled(verb, work)
  clock = running
  await running.done
}

/** Stages of the verb so far; undefined without `--profile`. */
export const stagesSoFar = (): Stage | undefined => clock?.stages()
