import type { Options } from '../options.js'
import { percent } from '../show.js'
import { findKneeAndOverload } from './find-knee.js'
import type { Knee, LoadDocument, LoadEvent, Overload } from './load-document.js'
import type { Stage } from './load-stage.js'
import type { loadtestFields } from './loadtest-fields.js'
import { type Bench, type Load, measureStage } from './measure-stage.js'

type Measured = Pick<LoadDocument, 'stages' | 'knee' | 'overload' | 'met' | 'stopped' | 'warnings'>

/** First rate of the search, as a share of that of requests sent one after the other. */
const FIRST = 0.5
/** A p99 of fewer answers is not a percentile but nearly the maximum. */
const FEWEST = 300
/** A stage at a low rate lasts up to this many times longer, to have enough requests. */
const LONGER = 4

function overloadOf(stage: Stage, knee: Knee): Overload {
  const { rate, goodput, latency_ms, rejected, failed, sent, recovery_seconds } = stage
  return {
    rate: rate!,
    goodput,
    goodput_kept: goodput / knee.goodput,
    p99_ms: latency_ms?.p99 ?? null,
    rejected_share: rejected / sent,
    failed_share: failed / sent,
    recovery_seconds,
  }
}

/** Reasons to read the result with care. */
function warningsOf(stages: readonly Stage[], knee: Knee | null, { closed }: Options<typeof loadtestFields>): string[] {
  const limited = stages.filter(({ client_limited }) => client_limited).length
  const few = stages.filter(({ complete, sent }) => complete && sent < FEWEST).length
  return [
    ...(closed ? ['closed loop: a slow server receives fewer requests, so the latency leaves out the wait of real users'] : []),
    ...(knee && !knee.confirmed
      ? ['no rate was confirmed: the machine or the server varies more than the objective allows']
      : []),
    ...(knee?.client_limited
      ? ['the client limited the rate: the server may sustain more; use more --threads or another machine']
      : []),
    ...(limited > 0 && !knee?.client_limited
      ? [`the client may have limited ${limited} of ${stages.length} stages: it was busy or sent late`]
      : []),
    ...(few > 0
      ? [`${few} of ${stages.length} stages had fewer than ${FEWEST} requests, too few for a p99; use a longer --duration`]
      : []),
  ]
}

/** Measures the loads that the options ask for: one of a fixed load, or those of the search and of an overload. */
export async function runLoads(
  bench: Bench,
  o: Options<typeof loadtestFields>,
  aloneMs: number,
  tell: (event: LoadEvent) => void,
): Promise<Measured> {
  const stages: Stage[] = []
  const told = new Set<string>()
  let gone = false
  const warn = (message: string) => tell({ type: 'warning', version: 1, message })
  const measure = async (load: Omit<Load, 'seed' | 'clients'>): Promise<Stage | undefined> => {
    if (bench.signal?.aborted || gone) return undefined
    const { purpose, rate } = load
    const enough = rate === null || purpose === 'fixed' ? 1 : FEWEST / (rate * bench.duration)
    const times = load.times * Math.min(LONGER, Math.max(1, enough))
    const clients = o.closed ? o.clients : 0
    const seconds = bench.warmup + bench.duration * times
    tell({ type: 'load', version: 1, purpose, rate, clients: o.closed ? clients : null, seconds })
    const { stage, examples } = await measureStage(bench, { ...load, times, clients, seed: o.seed + stages.length })
    if (stage.sent > 0) {
      stages.push(stage)
      tell({ type: 'stage', version: 1, ...stage })
    }
    for (const [code, message] of Object.entries(examples)) {
      if (!told.has(code))
        warn(`${code} in ${percent((stage.errors[code] ?? 0) / stage.sent)} of the requests, for example: ${message}`)
      told.add(code)
    }
    gone = stage.complete && stage.answered === 0 && stage.recovery_seconds === null
    return stage.complete ? stage : undefined
  }
  const isFixed = o.closed || o.rate !== undefined
  const fixed = isFixed ? await measure({ purpose: 'fixed', rate: o.closed ? null : o.rate!, times: 1 }) : undefined
  const [found, over] = isFixed
    ? [null, undefined]
    : await findKneeAndOverload(measure, { first: (FIRST * 1000) / aloneMs, most: o.maxRate, precision: o.precision }, o.overload)
  const beyond = stages.find(({ rate, met }) => found !== null && !met && rate! > found.rate!)
  const knee: Knee | null = found && {
    rate: found.rate!,
    confirmed: found.met,
    goodput: found.goodput,
    p99_ms: found.latency_ms?.p99 ?? 0,
    client_limited: found.client_limited || beyond?.client_limited === true,
  }
  const isStopped = bench.signal?.aborted === true
  const warnings = [...(gone ? ['the server stopped answering, and the test ended'] : []), ...warningsOf(stages, knee, o)]
  for (const message of warnings) warn(message)
  return {
    stages,
    knee,
    overload: knee && over ? overloadOf(over, knee) : null,
    met: isFixed ? (fixed?.met ?? null) : isStopped && !knee ? null : knee?.confirmed === true,
    stopped: isStopped ? 'interrupted' : gone ? 'unanswered' : 'done',
    warnings,
  }
}
