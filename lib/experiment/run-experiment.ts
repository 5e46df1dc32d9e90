import { freemem } from 'node:os'
import { usableThreads } from '../libtorch/machine.js'
import { exhaustedAt, spentSeconds } from './begin.js'
import { type DataFacts, refusal } from './data-facts.js'
import type { EndedBy, ToldEvent } from './experiment-events.js'
import type { JournalWriter } from './journal.js'
import type { Job, RunEnd, Told } from './journal-entry.js'
import { Search } from './next-jobs.js'
import { type Bench, performRun } from './perform-run.js'
import { pruneRuns } from './prune-runs.js'
import type { ExperimentPlan } from './read-plan.js'
import { decide, type Verdict } from './verdict.js'

/** With less time left no further run starts. Units: s. */
const LAST_SECONDS = 0.5

/** An experiment whose journal is open. */
export interface Opened {
  readonly plan: ExperimentPlan
  readonly folder: string
  readonly facts: DataFacts
  readonly journal: JournalWriter
  readonly signal: AbortSignal | undefined
  readonly tell: (event: ToldEvent) => void
}

export const endsOf = (entries: JournalWriter['entries']): RunEnd[] => entries.filter((entry) => entry.type === 'run')

/** Verdict over the configurations that were chosen for confirmation. */
export function verdictOf(search: Search, plan: ExperimentPlan, ends: readonly RunEnd[]): Verdict {
  if (!search.isSearched) return { winner: null, sentence: 'no winner: the search has not ended', confirmed: [], leads: [] }
  return decide(search.chosen(), ends, search.freshSeeds, plan)
}

/** Ids of runs whose checkpoints may go: losers of the search, and after the confirmation the runs of all but the first configuration. */
function unneeded(search: Search, plan: ExperimentPlan, ends: readonly RunEnd[]): string[] {
  const isOver = search.isSearched && search.next().length === 0
  const first = isOver ? verdictOf(search, plan, ends).confirmed[0]?.config : undefined
  const lost =
    first === undefined || plan.keep === null ? [] : ends.filter(({ stage, config }) => stage === 'confirm' && config !== first)
  return [...search.losers(), ...lost.map(({ id }) => id)]
}

/** Event of one ended run: its place, the best so far and the time that is left. */
function runEvent(
  end: RunEnd,
  search: Search,
  done: readonly RunEnd[],
  left: number | undefined,
  concurrency: number,
): ToldEvent {
  const ranking = search.ranking()
  const place = ranking.findIndex(({ config }) => config === end.config)
  const [best] = ranking
  const of = search.trainings
  const mean = done.reduce((sum, { seconds }) => sum + seconds, 0) / done.length
  const expected = (mean * Math.max(0, of - done.length)) / concurrency
  return {
    type: 'run',
    run: end,
    place: end.stage === 'confirm' || end.state === 'failed' || place < 0 ? null : place + 1,
    best: best === undefined ? null : { config: best.config, model: best.model, score: best.score },
    number: done.length,
    of,
    seconds_left: left === undefined ? expected : Math.max(0, Math.min(left, expected)),
  }
}

/** One call of an experiment: the runs in progress, and how one is performed. */
class Call {
  readonly search: Search
  readonly running = new Map<string, Promise<void>>()
  failure: unknown
  /** Also stops the other runs after an error. */
  private readonly stop = new AbortController()
  private readonly memory = new Map<string, number>()
  private readonly began = performance.now()
  private readonly spent: number
  private pruning = Promise.resolve()

  constructor(private readonly o: Opened) {
    const { plan, journal, signal, facts } = o
    this.spent = spentSeconds(journal.entries)
    this.search = new Search({
      plan,
      dataHash: facts.hash,
      ends: this.ends,
      isValid: (suggestion) => refusal(suggestion, facts, plan.own) === undefined,
      exhaustedAt: exhaustedAt(journal.entries),
    })
    signal?.addEventListener('abort', () => this.stop.abort(), { once: true })
    if (signal?.aborted) this.stop.abort()
  }

  private get ends(): RunEnd[] {
    return endsOf(this.o.journal.entries)
  }

  private left(): number | undefined {
    const { seconds } = this.o.plan.budget
    return seconds === null ? undefined : seconds - this.spent - (performance.now() - this.began) / 1000
  }

  get isOver(): boolean {
    return this.stop.signal.aborted || (this.left() ?? 1) < LAST_SECONDS
  }

  private append(told: Told): void {
    this.o.journal.append(told)
    if (told.type === 'attempt') this.o.tell({ type: 'again', id: told.id, error: told.error })
  }

  private bench(): Bench {
    const { plan, folder, facts, journal, tell } = this.o
    return {
      plan,
      folder,
      dataHash: facts.hash,
      threads: plan.concurrency === 1 ? undefined : Math.max(1, Math.floor(usableThreads() / plan.concurrency)),
      signal: this.stop.signal,
      left: () => this.left(),
      failures: ({ id, rung }) => journal.entries.filter((e) => e.type === 'attempt' && e.id === id && e.rung === rung).length,
      append: (told) => this.append(told),
      hear: ({ id, model }, event) => {
        if (event.type === 'start') this.memory.set(model, Math.max(this.memory.get(model) ?? 0, event.estimate.memory_bytes))
        tell({ type: 'training', id, event })
      },
      waiting: ({ id }, pid) => tell({ type: 'waiting', id, pid }),
      another: async () => (this.running.size > 1 ? Promise.race(this.running.values()) : undefined),
    }
  }

  /** Whether memory allows one more run; the first one is always tried. */
  hasRoom({ model }: Job): boolean {
    const needed = this.memory.get(model) ?? Math.max(0, ...this.memory.values())
    return this.running.size === 0 || freemem() > 1.1 * needed
  }

  /** Removes checkpoints that nothing needs, one call after the other. */
  prune(): Promise<void> {
    const { folder, journal, plan } = this.o
    const work = () => pruneRuns(folder, unneeded(this.search, plan, this.ends), journal.entries, (told) => this.append(told))
    this.pruning = this.pruning.then(work)
    return this.pruning
  }

  private async perform(job: Job): Promise<void> {
    const { plan, tell } = this.o
    const end = await performRun(job, this.bench())
    if (end === undefined) return
    this.append(end)
    this.search.add(end)
    tell(runEvent(end, this.search, this.ends, this.left(), plan.concurrency))
    await this.prune()
  }

  start(job: Job): void {
    const work = this.perform(job)
      .catch((error: unknown) => {
        this.failure ??= error
        this.stop.abort()
      })
      .finally(() => this.running.delete(job.id))
    this.running.set(job.id, work)
  }

  /** Trainings that may start now. */
  open(): Job[] {
    const jobs = this.isOver ? [] : this.search.next()
    const { exhaustedAt: configs } = this.search
    if (configs !== undefined && exhaustedAt(this.o.journal.entries) === undefined) {
      this.append({ type: 'exhausted', configs })
      this.o.tell({
        type: 'warning',
        message: `the plan has no more than ${configs} different configurations that can be trained`,
      })
    }
    return jobs.filter(({ id }) => !this.running.has(id))
  }
}

/** Makes all trainings that the plan still needs; ends early when time is up or on a stop. */
export async function runExperiment(o: Opened): Promise<{ ended: EndedBy; search: Search }> {
  const call = new Call(o)
  const { search, running } = call
  let announced = false
  for (;;) {
    const open = call.open()
    if (!announced && open[0]?.stage === 'confirm') {
      announced = true
      const all = search.confirmations()
      o.tell({ type: 'confirm', runs: all.length, configs: [...new Set(all.map(({ config }) => config))] })
    }
    for (const job of open.slice(0, Math.max(0, o.plan.concurrency - running.size))) if (call.hasRoom(job)) call.start(job)
    if (running.size === 0) break
    await Promise.race(running.values())
  }
  if (call.failure !== undefined) throw call.failure
  await call.prune() // a kill may have come before
  return { ended: o.signal?.aborted ? 'stopped' : search.next().length > 0 ? 'time' : 'done', search }
}
