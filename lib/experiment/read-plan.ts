import { existsSync } from 'node:fs'
import { basename, dirname, resolve as resolvePath } from 'node:path'
import { type LvmError, shown } from '../errors.js'
import type { Fields, Options } from '../options.js'
import { nearestWord } from '../show.js'
import { seconds } from '../sweep/sweep-fields.js'
import { budgetFields, confirmFields, halvingFields, planFields } from './experiment-fields.js'
import { METRIC_NAMES, METRICS, type MetricName } from './metric.js'
import { keysAt, type Path, type PlanText, readPlanFile, unknownKey } from './plan-file.js'
import { namesOfModels, type OwnModel, ownModels } from './plan-models.js'
import { readSpaces } from './read-space.js'
import type { ModelSpace } from './search-space.js'

/** A checked plan with all defaults filled in. */
export interface ExperimentPlan {
  readonly name: string
  readonly data: string
  readonly method: Options<typeof planFields>['method']
  readonly metric: MetricName
  readonly direction: 'max' | 'min'
  readonly seed: number
  /** Seeds that every configuration is trained with. */
  readonly seeds: readonly number[]
  readonly spaces: Readonly<Record<string, ModelSpace>>
  /** Architectures of one's own, from the files of the plan. */
  readonly own: readonly OwnModel[]
  readonly halving: (Omit<Options<typeof halvingFields>, 'max'> & { readonly max: number }) | null
  readonly confirm: Options<typeof confirmFields>
  readonly concurrency: number
  readonly retries: number
  /** Number of best runs whose checkpoints are kept; null keeps all. */
  readonly keep: number | null
  readonly budget: { readonly runs: number; readonly seconds: number | null }
}

const COMPOUND = ['models', 'model-file', 'fixed', 'search', 'budget', 'seeds', 'halving', 'confirm', 'keep']
const KEYS = [...Object.keys(planFields), ...COMPOUND]

/** Resolves the keys of a table against its fields. Errors: BAD_OPTION with the line. */
function fieldsAt<F extends Fields>(
  plan: PlanText,
  at: Path,
  fields: F,
  value: unknown,
  more: readonly string[] = [],
): Options<F> {
  const given = keysAt(plan, at, value)
  const known = [...Object.keys(fields), ...more]
  for (const key of Object.keys(given)) if (!known.includes(key)) throw unknownKey(plan, [...at, key], known)
  const pairs = Object.entries(fields).map(([key, field]) => {
    const found = given[key] ?? field.default
    if (!field.accepts(found)) throw plan.wrong([...at, key], field.expected, shown(found))
    return [key, found]
  })
  return Object.fromEntries(pairs) as Options<F>
}

function metricOf(plan: PlanText, name: string, direction: 'max' | 'min' | undefined): ExperimentPlan['direction'] {
  if (!Object.hasOwn(METRICS, name)) {
    const meant = nearestWord(name, METRIC_NAMES)
    throw plan.wrong(['metric'], `one of ${METRIC_NAMES.join(', ')}`, shown(name), meant && `did you mean ${meant}?`)
  }
  const known = METRICS[name as MetricName].direction
  if (direction !== undefined && direction !== known)
    throw plan.wrong(
      ['direction'],
      `"${known}", because ${name} is better when it is ${known === 'max' ? 'larger' : 'smaller'},`,
      shown(direction),
    )
  return known
}

function seedsOf(plan: PlanText, value: unknown): number[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [value ?? 0]
  list.forEach((seed, i) => {
    if (!Number.isSafeInteger(seed) || (seed as number) < 0 || list.indexOf(seed) !== i)
      throw plan.wrong(['seeds', ...(Array.isArray(value) ? [i] : [])], 'different integers ≥ 0', shown(seed))
  })
  if (list.length === 0 || list.length > 20) throw plan.wrong(['seeds'], 'from 1 to 20 seeds', `${list.length}`)
  return list as number[]
}

function halvingOf(plan: PlanText, method: string, value: unknown): ExperimentPlan['halving'] {
  if (method !== 'halving') {
    if (value !== undefined)
      throw plan.wrong(['halving'], 'no value without "method: halving", where it has no effect,', shown(value))
    return null
  }
  const o = fieldsAt(plan, ['halving'], halvingFields, value)
  const { min, max } = o
  if (max === undefined)
    throw plan.wrong(['halving'], 'the key "max"', 'none', 'add the length of the last trainings, for example max: 9')
  if (max <= min) throw plan.wrong(['halving', 'max'], `more than min, ${min},`, String(max))
  return { ...o, max }
}

/** A path of the plan: beside the plan if it exists there, else below the working folder. */
const located = (plan: PlanText, path: string): string => {
  const beside = resolvePath(dirname(plan.path), path)
  const isThere = [beside, ...['.npy', '.npz', '.safetensors'].map((end) => beside + end)].some((file) => existsSync(file))
  return isThere ? beside : resolvePath(path)
}

const absent = (plan: PlanText, key: string, hint: string): LvmError => plan.wrong([key], 'a value', 'none', hint)

/** Reads and checks a plan. Errors: FILE_MISSING; BAD_OPTION with the line for every key, value and range that `train` would refuse; BAD_SPEC for a file of an architecture. */
export async function readPlan(path: string): Promise<ExperimentPlan> {
  const plan = await readPlanFile(path)
  const given = keysAt(plan, [], plan.value)
  const o = fieldsAt(
    plan,
    [],
    planFields,
    Object.fromEntries(Object.entries(given).filter(([key]) => !COMPOUND.includes(key))),
    KEYS,
  )
  if (o.data === undefined) throw absent(plan, 'data', 'add data: FILE, a file of vectors')
  const budget = fieldsAt(plan, ['budget'], budgetFields, given.budget)
  if (budget.runs === undefined) throw absent(plan, 'budget', 'add budget: {runs: 24}')
  const seeds = seedsOf(plan, given.seeds)
  if (budget.runs % seeds.length !== 0)
    throw plan.wrong(['budget', 'runs'], `a multiple of ${seeds.length}, the number of seeds,`, String(budget.runs))
  const halving = halvingOf(plan, o.method, given.halving)
  const keep = given.keep ?? 10
  if (keep !== 'all' && !(Number.isSafeInteger(keep) && (keep as number) >= 1))
    throw plan.wrong(['keep'], 'a number of runs ≥ 1, or all', shown(keep))
  const direction = metricOf(plan, o.metric, o.direction)
  const at = (file: string) => located(plan, file)
  const own = await ownModels(plan, given['model-file'], at)
  const models = namesOfModels(plan, given.models, own)
  return {
    name:
      o.name ??
      (basename(path)
        .replace(/\.ya?ml$/i, '')
        .replace(/[^\w.-]+/g, '_') ||
        'plan'),
    data: at(o.data),
    method: o.method,
    metric: o.metric as MetricName,
    direction,
    seed: o.seed,
    seeds,
    spaces: readSpaces(plan, given, models, { at, resource: halving?.resource, own }),
    own,
    halving,
    confirm: fieldsAt(plan, ['confirm'], confirmFields, given.confirm),
    concurrency: o.concurrency,
    retries: o.retries,
    keep: keep === 'all' ? null : (keep as number),
    budget: { runs: budget.runs, seconds: budget.time === undefined ? null : seconds(budget.time) },
  }
}
