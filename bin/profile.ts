import { busyNotes, watchCpuShare } from '../lib/libtorch/cpu-share.js'
import { decimal, percent, table } from '../lib/show.js'
import { type Moment, profiled, type Stage, type StageListener } from '../lib/stages.js'
import { manner } from './manner.js'

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

/** Stages of a verb, and the share of the processor time that its process was ready to use and got. */
export interface Profile extends Stage {
  readonly cpu_share: number | null
}

/** Table of the stages of a verb with their share of its time; a line below marks times of a busy machine. */
export function profileTable(whole: Profile): string {
  const shown = lines(whole).filter(({ seconds }) => seconds >= LEAST * whole.seconds)
  const stages = table(shown, {
    stage: ({ depth, stage }) => `${'  '.repeat(depth)}${stage}`,
    calls: ({ calls }) => calls,
    seconds: ({ seconds }) => decimal(seconds, '', 2),
    share: ({ seconds }) => percent(seconds / whole.seconds),
    'processor, s': ({ cpu }) => decimal(cpu, '', 2),
  })
  return [stages, ...busyNotes([whole.cpu_share])].join('\n')
}

let clock: (() => Profile) | undefined

/** Runs a verb under the clock of `--profile`, and tells a listener of its stages. */
export async function underClock(
  verb: string,
  work: () => Promise<void>,
  listener: (moment: () => Moment) => StageListener,
): Promise<void> {
  const share = manner.profile ? watchCpuShare() : () => null
  let moment: () => Moment = () => ({ open: [] })
  const running = profiled(
    verb,
    work,
    listener(() => moment()),
  )
  moment = running.moment
  clock = () => ({ ...running.stages(), cpu_share: share() })
  await running.done
}

/** Stages of the verb so far; undefined without `--profile`. */
export const stagesSoFar = (): Profile | undefined => (manner.profile ? clock?.() : undefined)
