import { basename } from 'node:path'
import { asyncCallback, type Check, count, optional, plainCopy, word } from '../../door.js'
import { badOption } from '../../errors.js'
import type { Numbers } from '../../torch/lists.js'
import type { Tensor } from '../../torch/tensor.js'

/** Vectors that a function of the caller returns. Shapes: [windows, dim]. */
export type OwnVectors = Tensor | Float32Array | Float64Array | Numbers

/** A file of predictions, as `predict` writes it, under a name of the caller. */
export interface PredictionsFile {
  /** Name in tables; that of the file unless given. */
  readonly name?: string | undefined
  /** `.npy` file of vectors; the `.json` file beside it names their rows. */
  readonly predictions: string
}
/** A function that predicts, under a name of the caller. */
export interface OwnPredictor {
  readonly name: string
  /** Predicts the vector after each context; the tensor is freed when it is done. Shapes: [windows, context, dim] → [windows, dim]. */
  readonly predict: (contexts: Tensor) => OwnVectors | Promise<OwnVectors>
  /** Vectors of a context; needed only where no run is judged beside it. */
  readonly context?: number | undefined
  /** raw (default): vectors in the scale of the data; unit: only their directions count. */
  readonly output?: 'raw' | 'unit' | undefined
}
/** A predictor that is no run. */
export type Outsider = PredictionsFile | OwnPredictor

const NAMED = /^([^=/\\]+)=(.+\.npy)$/

/** A predictor as it may be typed: FILE.npy or NAME=FILE.npy; undefined for the name of a run. */
function typed(given: string): PredictionsFile | undefined {
  if (!given.endsWith('.npy')) return undefined
  const [, name, predictions] = NAMED.exec(given) ?? []
  return { name: name ?? basename(given, '.npy'), predictions: predictions ?? given }
}

const isOutput = (value: unknown) => value === undefined || value === 'raw' || value === 'unit'

function isOutsider(value: unknown): boolean {
  const copy = plainCopy(value)
  if (copy === undefined) return false
  const { name, predictions, predict, context, output, ...rest } = copy
  if (Object.keys(rest).length > 0) return false
  if (predict === undefined)
    return word.accepts(predictions) && optional(word).accepts(name) && context === undefined && output === undefined
  return (
    predictions === undefined &&
    word.accepts(name) &&
    typeof predict === 'function' &&
    optional(count).accepts(context) &&
    isOutput(output)
  )
}

function read(owner: string, value: unknown): string | Outsider {
  if (typeof value === 'string') return typed(value) ?? value
  const copy = plainCopy(value) as unknown as Outsider
  if ('predict' in copy) {
    const predict = asyncCallback.convert!(copy.predict, owner, 'predict') as OwnPredictor['predict']
    return { ...copy, predict }
  }
  return { ...typed(copy.predictions), ...copy, name: copy.name ?? basename(copy.predictions, '.npy') }
}

/** Length limit of a list of predictors. */
const MANY = 10_000

/** Whether no predictor that is no run has the name of another one. */
function haveOwnNames(all: readonly (string | Outsider)[]): boolean {
  const names = all.map((one) => (typeof one === 'string' ? one : one.name))
  return all.every((one, i) => typeof one === 'string' || names.indexOf(names[i]) === names.lastIndexOf(names[i]))
}

/** A list of runs, and of predictors that are none. */
export const predictors: Check = {
  expected:
    'a list of runs, of .npy files of predictions (FILE.npy or NAME=FILE.npy), { name, predictions } or { name, predict }, each predictor under a name of its own',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length <= MANY &&
    value.every((one) => word.accepts(one) || isOutsider(one)) &&
    haveOwnNames(value.map((one) => read('', one))),
  convert: (value, owner) => (value as unknown[]).map((one) => read(owner, one)),
}

const listed = (value: unknown) => (Array.isArray(value) ? value : [value])
/** As `predictors`, or one of them. */
export const predictorOrMany: Check = {
  expected: `a run, or ${predictors.expected}`,
  accepts: (value) => predictors.accepts(listed(value)) && listed(value).length > 0,
  convert: (value, owner, name) => predictors.convert!(listed(value), owner, name),
}

/** The names in a list that may only hold runs. Errors: BAD_OPTION. */
export function onlyRuns(owner: string, because: string, all: readonly (string | Outsider)[]): readonly string[] {
  const other = all.find((one) => typeof one !== 'string')
  if (other !== undefined)
    throw badOption(owner, 'runs', `only runs with "${because}"`, other.name, `leave it or --${because} out`)
  return all as readonly string[]
}
