import { findArchitecture } from '../architectures/index.js'
import { badOption } from '../errors.js'
import { threadsOfEnvironment, usableThreads } from '../libtorch/machine.js'
import { type Options, resolve } from '../options.js'
import { kebab } from '../show.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import type { Training } from '../sweep/train-child.js'
import { requireShareable } from '../train/ranks/shared-training.js'
import { type Plan, plan as settle, type TrainSettings } from '../train/recipe.js'
import { isPlace, planningFields } from './planning-fields.js'
import { type Counts, countWindows, type DataSize } from './window-counts.js'

/** A plan with all that follows from its options. */
export interface Asked {
  readonly plan: Plan
  /** Options of the training as given. */
  readonly given: Readonly<Record<string, unknown>>
  readonly size: DataSize
  readonly o: Options<typeof planningFields>
  readonly counts: Counts
  readonly spec: Node
  readonly ranks: number
  /** Ranks of one machine, and threads of each. */
  readonly processes: number
  readonly threads: number
}

/** Errors: BAD_OPTION. */
export function ask({ model, ...options }: Readonly<Record<string, unknown>> & { model: string }): Asked {
  const own = Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(planningFields, key)))
  const given = Object.fromEntries(Object.entries(options).filter(([key]) => !Object.hasOwn(planningFields, key)))
  const o = resolve('plan', planningFields, own)
  if (o.rows === undefined) throw badOption('plan', 'rows', 'the number of vectors', undefined, 'add --rows N')
  const place = Object.keys(given).find((key) => isPlace(key) && given[key] !== undefined)
  if (place !== undefined)
    throw badOption(
      'plan',
      place,
      'no value, because a plan has neither data nor a run,',
      given[place],
      `leave --${kebab(place)} out`,
    )
  const plan = settle(findArchitecture(model), given)
  if (plan.autoBatch || plan.autoLr)
    throw badOption('plan', plan.autoBatch ? 'batchSize' : 'lr', 'a number, because auto needs the data,', 'auto')
  const size = { rows: o.rows, dim: o.dim, articleRows: Math.min(o.articleRows, o.rows), valRows: o.valRows }
  const counts = countWindows(plan, size)
  const processes = Math.min(plan.train.processes ?? 1, o.ranks ?? Number.POSITIVE_INFINITY)
  const ranks = o.ranks ?? processes
  if (ranks > 1) requireShareable(plan.train)
  const { node: spec } = plan.architecture.spec({ dim: o.dim, context: counts.context }, plan.model)
  const threads = plan.train.threads ?? threadsOfEnvironment() ?? Math.max(1, Math.floor(usableThreads() / processes))
  return { plan, given, size, o, counts, spec, ranks, processes, threads }
}

/** Settings of the ranks of one machine: their part of each batch. */
export function localSettings({ plan: { train }, counts, ranks, processes }: Asked): TrainSettings {
  const part = (whole: number) => Math.max(processes, Math.ceil((whole * processes) / ranks))
  const read = train.objective === 'sequence' && train.history !== undefined
  return {
    ...train,
    processes: processes > 1 ? processes : undefined,
    shardOptimizer: train.shardOptimizer && processes > 1,
    ...(read ? { batchVectors: part(counts.batch_vectors) } : { batchSize: part(train.batchSize) }),
  }
}

/** Vectors that one rank reads in a batch. */
export const vectorsOfRank = ({ counts, ranks }: Asked): number =>
  Math.ceil(counts.batch / ranks) * (counts.batch_vectors / counts.batch)

/** Speed that is expected before anything is measured. Units: floating-point operations a second. */
const EXPECTED = 5e10
/** Steps that are expected to take longer are measured with less data. Units: seconds. */
const LONG = 1

/** Size of a trial's data, unless two batches are larger. Units: bytes. */
const MOST = 256 << 20

/** Expected time of a step. Units: seconds. */
export const expectedStep = (asked: Asked): number =>
  (6 * asked.plan.train.accumulate * countParameters(asked.spec) * vectorsOfRank(asked)) / EXPECTED

/** Training windows that a trial evaluates. */
export const judgedIn = (expected: number): number => (expected > LONG ? 64 : 512)

/** Data of a trial: enough for its steps and an evaluation, and no more than the training has, whose fits take memory too. */
export function trialSize(asked: Asked, local: TrainSettings): DataSize {
  const { plan, size, counts } = asked
  const { history, minHistory } = plan.train
  const articleRows = history === undefined ? Math.min(size.articleRows, Math.max(100, counts.context + 2)) : size.articleRows
  const each = Math.max(1, articleRows - (history === undefined ? counts.context : minHistory))
  const most = Math.max(2 * local.batchSize, Math.floor(MOST / (4 * size.dim)))
  const usual = expectedStep(asked) > LONG ? 0 : Math.min(3000, counts.windows.train)
  const windows = Math.min(most, Math.max(usual, 15 * local.batchSize))
  return { rows: articleRows * Math.max(10, Math.ceil(windows / 0.85 / each)), dim: size.dim, articleRows }
}

/** Options as a training in another process takes them. */
const asWords = (options: Readonly<Record<string, unknown>>): Training['options'] =>
  Object.fromEntries(
    Object.entries(options).flatMap(([key, value]) => {
      if (value === undefined) return []
      if (Array.isArray(value)) return [[key, value.join(',')]]
      if (typeof value === 'object' && value !== null)
        return [
          [
            key,
            Object.entries(value)
              .map(([name, factor]) => `${name}=${factor}`)
              .join(','),
          ],
        ]
      return [[key, value as string | number | boolean]]
    }),
  )

/** Options that have no effect on a step. */
const BESIDE = 'saveEvery keepBest keepLast epochs maxSteps maxWindows earlyStop trainEval test fold splitSeed'.split(' ')

/** Options of that training on the command line. */
export function trialOptions({ given, threads }: Asked, local: TrainSettings): Training['options'] {
  const own = Object.entries(given).filter(([key, value]) => !BESIDE.includes(key) && !(key === 'split' && value === 'file'))
  const read = local.objective === 'sequence' && local.history !== undefined
  return asWords({
    ...Object.fromEntries(own),
    processes: local.processes,
    shardOptimizer: local.shardOptimizer || undefined,
    threads,
    ...(read ? { batchVectors: local.batchVectors } : { batchSize: local.batchSize }),
  })
}
