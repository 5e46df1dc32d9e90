import { duration, jsonText, oneLine, percent } from '../lib/show.js'
import type { Moment, StageListener } from '../lib/stages.js'
import { follows } from './follows.js'
import { drawLine, lineMuted } from './live-line.js'
import { manner } from './manner.js'
import { diagnostic } from './output.js'
import { PLANS, type Plan } from './stage-plans.js'

/** Work that is shorter shows nothing. Units: seconds */
const SILENT = 1
/** Least time between two lines about the same stage, and until the line of the next stage. Units: ms */
const EVERY = {
  live: { same: 100, next: 100 },
  json: { same: 1000, next: 0 },
  plain: { same: 30_000, next: 5000 },
} as const
/** Shorter stages get no line of `--verbose`. Units: seconds */
const SHORTEST = 0.01
/** Time after which the speed of a stage says how long it will take. Units: seconds */
const SETTLED = 1

/** Progress of a verb: stage `number` of `of`, and the parts that are done of it. Units: seconds */
export interface StageEvent {
  readonly type: 'stage'
  readonly version: 1
  readonly verb: string
  readonly stage: string
  readonly number: number | null
  readonly of: number | null
  /** The run, or another part of repeated work, that the stage belongs to. */
  readonly round: string | null
  /** Innermost stage that is open. */
  readonly inside: string | null
  readonly done: number | null
  readonly total: number | null
  readonly seconds: number
  readonly seconds_left: number | null
}

const rounded = (seconds: number): number => Math.round(1000 * seconds) / 1000

/** Position of a stage in a plan: its name, or a longer name that begins with one of the plan. */
const placeIn = (plan: readonly string[], stage: string): number =>
  plan.findIndex((planned) => stage === planned || stage.startsWith(`${planned} `))

/** Returns a function that describes a moment of a verb; undefined before its first stage. */
export function stageEvents(verb: string, plan: Plan | undefined): (moment: Moment, seconds: number) => StageEvent | undefined {
  let [stage, number]: [string | undefined, number] = [undefined, 0]
  return ({ open, round }, seconds) => {
    const { each = [], last = [] } = plan ?? {}
    const of = each.length * (round?.of ?? 1) + last.length
    const [outer] = open
    if (outer !== undefined) {
      const [at, after] = [placeIn(each, outer.stage), placeIn(last, outer.stage)]
      const place = at >= 0 ? each.length * ((round?.number ?? 1) - 1) + at + 1 : of - last.length + after + 1
      if (at >= 0 || after >= 0) number = Math.max(number, place) // a stage that comes again is no step back
      stage = outer.stage
    }
    if (stage === undefined) return undefined
    const counting = open.findLast(({ total = 0 }) => total > 0)
    const { done = null, total = null, seconds: spent = 0 } = counting ?? {}
    const rated = done !== null && done > 0 && spent >= SETTLED
    return {
      type: 'stage',
      version: 1,
      verb,
      stage,
      number: number === 0 ? null : number,
      of: number === 0 ? null : of,
      round: round === undefined || round.of === 1 ? null : round.name,
      inside: open.length > 1 ? open.at(-1)!.stage : null,
      done,
      total,
      seconds: rounded(seconds),
      seconds_left: rated ? rounded((spent / done) * (total! - done)) : null,
    }
  }
}

/** A moment of a verb in one line. */
export function stageLine(e: StageEvent): string {
  const step = e.number === null ? '' : ` ${String(e.number).padStart(String(e.of).length)}/${e.of}`
  const names = [e.round, e.stage, e.inside].filter((name) => name !== null).join(' › ')
  const counts = e.total === null ? [] : [`${e.done} of ${e.total}, ${percent(e.done! / e.total, 0)}`]
  const left = e.seconds_left === null ? [] : [`${duration(e.seconds_left)} left`]
  return oneLine([`${e.verb}${step} ${names}`, ...counts, duration(e.seconds), ...left].join(' · '))
}

export type Way = 'live' | 'json' | 'plain' | 'quiet'

/** How this process shows stages. */
export function wayOf(): Way {
  if (manner.quiet || follows()) return 'quiet'
  if (manner.json) return 'json'
  return process.stderr.isTTY === true && process.env.TERM !== 'dumb' ? 'live' : 'plain'
}

/** The verb that was typed, with the verb below it where that has a plan of its own. */
export function verbOf(words: readonly string[]): string {
  const [verb = '', below] = words.filter((word) => !word.startsWith('-'))
  return Object.hasOwn(PLANS, `${verb} ${below}`) ? `${verb} ${below}` : verb
}

/** Shows the stages of a verb on stderr from its first second on: one live line, a plain line now and then, or events. */
export function stageProgress(verb: string, way: Way, moment: () => Moment): StageListener {
  const plan = PLANS[verb]
  if (way === 'quiet' || (plan === undefined && way !== 'live')) return {}
  const describe = stageEvents(verb, plan)
  let [drawn, shown] = [Number.NEGATIVE_INFINITY, '']
  const moved = () => {
    const seconds = process.uptime()
    const e = describe(moment(), seconds)
    if (e === undefined || seconds < SILENT || lineMuted()) return
    const key = `${e.number} ${e.stage}`
    const since = performance.now() - drawn
    if (since < (key === shown ? EVERY[way].same : EVERY[way].next)) return
    ;[drawn, shown] = [performance.now(), key]
    if (way === 'live') drawLine(stageLine(e))
    else if (way === 'json') process.stderr.write(`${jsonText(e)}\n`)
    else diagnostic(stageLine(e))
  }
  setInterval(moved, EVERY.live.same).unref()
  const ended = (path: readonly string[], seconds: number) => {
    if (path.length <= 2 && seconds >= SHORTEST) diagnostic(`${verb}: ${path.join(' › ')}: ${duration(seconds)}`)
  }
  return { moved, ...(manner.verbose && way !== 'json' && { ended }) }
}
