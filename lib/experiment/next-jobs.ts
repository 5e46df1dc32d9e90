import { jsonHash } from '../files/hash.js'
import type { Job, RunEnd } from './journal-entry.js'
import type { ExperimentPlan } from './read-plan.js'
import type { Suggestion } from './search-space.js'
import { sameAs, suggest } from './suggest.js'

/** A configuration with the mean of its scores in the highest round that all its seeds have ended; `loss` is smaller for better ones. */
export interface Ranked extends Suggestion {
  readonly config: number
  readonly rung: number
  readonly score: number
  readonly loss: number
}

/** What is known about an experiment: its plan, the hash of its data and the results so far. */
export interface Known {
  readonly plan: ExperimentPlan
  readonly dataHash: string
  readonly ends: readonly RunEnd[]
  readonly isValid: (suggestion: Suggestion) => boolean
  /** Number of configurations when there are no further ones, as journaled. */
  readonly exhaustedAt: number | undefined
}

/** Lengths of the rounds of successive halving; null for other methods. */
export const lengths = ({ halving: h }: Pick<ExperimentPlan, 'halving'>): readonly (number | null)[] => {
  if (h === null) return [null]
  const list: number[] = []
  for (let length = h.min; length < h.max; length *= h.factor) list.push(length)
  return [...list, h.max]
}

const keyOf = ({ id, rung }: Pick<Job, 'id' | 'rung'>) => `${id} ${rung}`

/** Lists the configurations of an experiment and the trainings that may start; the answer depends only on plan, data and results. */
export class Search {
  private readonly suggestions: Suggestion[] = []
  /** The first suggestions as `sameAs` writes them, grown with the number of the configuration. */
  private readonly taken = new Set<string>()
  private readonly ended = new Map<string, RunEnd>()
  private readonly searched = new Map<string, RunEnd>()
  /** Number of configurations when there are no further ones. */
  exhaustedAt: number | undefined

  constructor(private readonly known: Known) {
    this.exhaustedAt = known.exhaustedAt
    for (const end of known.ends) this.add(end)
  }

  add(end: RunEnd): void {
    this.ended.set(keyOf(end), end)
    if (end.stage === 'search') this.searched.set(`${end.config} ${end.seed} ${end.rung}`, end)
  }

  /** Number of configurations: that of the plan, or fewer when there are no further ones. */
  get configs(): number {
    const { budget, seeds } = this.known.plan
    return Math.min(this.exhaustedAt ?? Infinity, budget.runs / seeds.length)
  }

  /** Number of trainings, promotions and confirmations included; failures make it smaller, because a failed configuration is not chosen. */
  get trainings(): number {
    const { seeds, confirm, halving } = this.known.plan
    const { members, complete } = this.rounds()
    let sum = members.reduce((before, list) => before + list.length * seeds.length, 0)
    if (complete) return sum + this.chosen().length * confirm.seeds
    for (let rung = members.length, count = members.at(-1)!.length; rung < lengths(this.known.plan).length; rung++) {
      count = Math.max(1, Math.floor(count / halving!.factor))
      sum += count * seeds.length
    }
    return sum + Math.min(this.configs, confirm.top) * confirm.seeds
  }

  /** Mean score of a configuration in a round; null when a seed failed, undefined when one has not ended. */
  private scoreOf(config: number, rung: number): number | null | undefined {
    const ends = this.known.plan.seeds.map((seed) => this.searched.get(`${config} ${seed} ${rung}`))
    if (ends.some((end) => end === undefined)) return undefined
    const scores = ends.map((end) => end!.score)
    return scores.some((score) => score === null) ? null : scores.reduce<number>((sum, score) => sum + score!, 0) / scores.length
  }

  private lossOf(score: number): number {
    return this.known.plan.direction === 'min' ? score : -score
  }

  /** Configuration number `config`: as journaled, otherwise newly suggested; undefined while TPE waits for results, or without further ones. */
  private suggestion(config: number): Suggestion | undefined {
    const { plan, isValid } = this.known
    const journaled = plan.seeds.map((seed) => this.searched.get(`${config} ${seed} 0`)).find((end) => end !== undefined)
    if (this.suggestions[config] !== undefined) return this.suggestions[config]
    if (journaled !== undefined) {
      this.suggestions[config] = { model: journaled.model, options: journaled.options }
      return this.suggestions[config]
    }
    if (config >= (this.exhaustedAt ?? Infinity)) return undefined
    for (let c = 0; c < config; c++) if (this.suggestions[c] === undefined && this.suggestion(c) === undefined) return undefined
    const lag = Math.max(1, Math.ceil(plan.concurrency / plan.seeds.length))
    const seen = []
    for (let c = 0; plan.method === 'tpe' && c <= config - lag; c++) {
      const score = this.scoreOf(c, 0)
      if (score === undefined) return undefined
      seen.push({ ...this.suggestions[c]!, loss: score === null ? null : this.lossOf(score) })
    }
    for (let c = this.taken.size; c < config; c++) this.taken.add(sameAs(this.suggestions[c]!))
    const made = suggest({
      spaces: plan.spaces,
      seed: plan.seed,
      config,
      taken: this.taken,
      seen: plan.method === 'tpe' ? seen : null,
      isValid,
    })
    if (made === undefined) this.exhaustedAt = config
    else this.suggestions[config] = made
    return made
  }

  private job(stage: Job['stage'], config: number, rung: number, seed: number, suggestion: Suggestion): Job {
    const { plan, dataHash } = this.known
    const { model, options } = suggestion
    const index = stage === 'search' ? config * plan.seeds.length + plan.seeds.indexOf(seed) : config
    const hash = jsonHash([plan.seed, stage, index, model, options, seed, dataHash]).slice(0, 8)
    const id = `${stage === 'search' ? '' : 'confirm-'}${String(index).padStart(3, '0')}-${model}-${hash}`
    return { id, stage, index, config, rung, model, options, seed, length: lengths(plan)[rung]! }
  }

  private open(jobs: readonly Job[]): Job[] {
    return jobs.filter((job) => !this.ended.has(keyOf(job)))
  }

  /** Configurations with a result in a round, the best first. */
  private ranked(configs: readonly number[], rung: number): Ranked[] {
    return configs
      .flatMap((config) => {
        const score = this.scoreOf(config, rung)
        return score == null ? [] : [{ ...this.suggestion(config)!, config, rung, score, loss: this.lossOf(score) }]
      })
      .sort((a, b) => a.loss - b.loss || a.config - b.config)
  }

  /** Members of every round whose predecessors are complete, and whether all rounds are. */
  private rounds(): { members: number[][]; complete: boolean } {
    const { plan } = this.known
    let members = Array.from({ length: this.configs }, (_, c) => c)
    const found = [members]
    const all = lengths(plan).length
    for (let rung = 0; ; rung++) {
      if (members.some((config) => this.scoreOf(config, rung) === undefined)) return { members: found, complete: false }
      if (rung + 1 === all) return { members: found, complete: true }
      const count = Math.max(1, Math.floor(members.length / plan.halving!.factor))
      members = this.ranked(members, rung)
        .slice(0, count)
        .map(({ config }) => config)
        .sort((a, b) => a - b)
      if (members.length === 0) return { members: found, complete: true }
      found.push(members)
    }
  }

  /** All configurations with a result: those of the last round first, in each round the best first. */
  ranking(): Ranked[] {
    const { members } = this.rounds()
    const last = (config: number) =>
      members.findLastIndex((list, rung) => list.includes(config) && this.scoreOf(config, rung) != null)
    return members
      .flatMap((list, rung) =>
        this.ranked(
          list.filter((config) => last(config) === rung),
          rung,
        ),
      )
      .sort((a, b) => b.rung - a.rung || a.loss - b.loss || a.config - b.config)
  }

  /** Configurations with a result in the first round. */
  firstRound(): Ranked[] {
    return this.ranked(
      Array.from({ length: this.configs }, (_, c) => c),
      0,
    )
  }

  /** Whether every searched training has ended. */
  get isSearched(): boolean {
    return this.rounds().complete
  }

  /** Seeds that the search has not used. */
  get freshSeeds(): number[] {
    const { plan } = this.known
    return Array.from({ length: plan.confirm.seeds }, (_, i) => Math.max(...plan.seeds) + 1 + i)
  }

  /** The configurations to confirm, the best first. */
  chosen(): Ranked[] {
    return this.ranking().slice(0, this.known.plan.confirm.top)
  }

  /** Confirmation runs of the best configurations; none before the end of the search. */
  confirmations(): Job[] {
    const { plan } = this.known
    if (!this.isSearched) return []
    const rung = lengths(plan).length - 1
    return this.chosen().flatMap(({ config, model, options }) =>
      this.freshSeeds.map((seed) => this.job('confirm', config, rung, seed, { model, options })),
    )
  }

  /** Trainings that may start now and have not ended, in order. */
  next(): Job[] {
    const { plan } = this.known
    const jobs: Job[] = []
    for (let config = 0; config < this.configs; config++) {
      const suggestion = this.suggestion(config)
      if (suggestion === undefined) break
      for (const seed of plan.seeds) jobs.push(this.job('search', config, 0, seed, suggestion))
    }
    const open = this.open(jobs)
    if (open.length > 0) return open
    const { members, complete } = this.rounds()
    if (complete) return this.open(this.confirmations())
    const rung = members.length - 1
    const of = (config: number) => plan.seeds.map((seed) => this.job('search', config, rung, seed, this.suggestion(config)!))
    return this.open(members[rung]!.flatMap(of))
  }

  /** Ids of ended runs whose checkpoints nothing needs: neither among the best `keep` nor still to be promoted. */
  losers(): string[] {
    const { plan } = this.known
    if (plan.keep === null) return []
    const { members, complete } = this.rounds()
    const kept = new Set(
      this.ranking()
        .slice(0, plan.keep)
        .map(({ config }) => config),
    )
    const waiting = new Set(complete ? [] : members.at(-1))
    const lost = [...this.searched.values()].filter(
      ({ config }) =>
        !kept.has(config) && !(plan.halving !== null && waiting.has(config)) && this.scoreOf(config, 0) !== undefined,
    )
    return [...new Set(lost.map(({ id }) => id))]
  }
}
