import { architectures } from '../architectures/index.js'
import type { Field } from '../options.js'
import type { Architecture } from '../spec/architecture.js'
import { trainFields, trainFieldsOf } from '../train/train-fields.js'

export type Value = string | number | boolean
export type Settings = Readonly<Record<string, Value>>

/** Values of a searched option: a list, or a range. */
export type Domain =
  | { readonly kind: 'list'; readonly values: readonly Value[] }
  | { readonly kind: 'range'; readonly min: number; readonly max: number; readonly log: boolean; readonly integer: boolean }
/** A searched option; it has a value only while each option in `when` has one of the listed values. */
export interface Searched {
  readonly domain: Domain
  readonly when: Readonly<Record<string, readonly Value[]>>
}
/** Fixed and searched options of one model. */
export interface ModelSpace {
  readonly fixed: Settings
  readonly search: Readonly<Record<string, Searched>>
}

/** Options of `train` that the experiment sets itself, and the key of a plan that replaces each. */
export const OWN: Readonly<Record<string, string>> = {
  data: 'put the file into "data" of the plan',
  seed: 'put it into "seeds" of the plan',
  name: 'the experiment names its runs',
  out: 'use --out of the command',
  resume: 'the experiment resumes its runs by itself',
  overwrite: 'the experiment never overwrites a run',
  extend: 'use "halving" of the plan',
}

/** Options that a plan may set for a model. */
export function fieldsOf(architecture: Architecture): Readonly<Record<string, Field<unknown>>> {
  const training = Object.entries(trainFieldsOf(architecture)).filter(([key]) => !(key in OWN))
  return { ...Object.fromEntries(training), ...architecture.fields }
}

/** Models that have an option. */
export const modelsWith = (key: string): string[] =>
  key in trainFields ? [] : architectures.filter(({ fields }) => key in fields).map(({ name }) => name)

/** Value at a position from 0 to 1 of a domain. */
export function valueAt(domain: Domain, u: number): Value {
  if (domain.kind === 'list') return domain.values[Math.min(domain.values.length - 1, Math.floor(u * domain.values.length))]!
  const { min, max, log, integer } = domain
  if (integer) {
    const [low, high] = log ? [Math.log(min), Math.log(max + 1)] : [min, max + 1]
    const x = low + u * (high - low)
    return Math.max(min, Math.min(max, Math.floor((log ? Math.exp(x) : x) + 1e-9)))
  }
  const x = log ? Math.exp(Math.log(min) + u * Math.log(max / min)) : min + u * (max - min)
  return Math.max(min, Math.min(max, Number(x.toPrecision(4)))) // four digits are enough for an option, and can be read
}

/** Position of a value, the inverse of `valueAt`; the middle of its share for lists and integers. */
export function positionOf(domain: Domain, value: Value): number {
  if (domain.kind === 'list') return (domain.values.indexOf(value) + 0.5) / domain.values.length
  const { min, max, log, integer } = domain
  const x = Number(value) + (integer ? 0.5 : 0)
  const top = integer ? max + 1 : max
  return log ? Math.log(x / min) / Math.log(top / min) : (x - min) / (top - min)
}

/** The options that are in force: fixed ones, and drawn ones whose conditions hold. */
export function active({ fixed, search }: ModelSpace, drawn: Settings): Settings {
  const inForce = (key: string): Value | undefined => {
    const searched = search[key]
    if (searched === undefined) return fixed[key]
    return Object.entries(searched.when).every(([on, values]) => values.includes(inForce(on)!)) ? drawn[key] : undefined
  }
  const chosen = Object.keys(search).flatMap((key) => {
    const value = inForce(key)
    return value === undefined ? [] : [[key, value] as const]
  })
  return { ...fixed, ...Object.fromEntries(chosen) }
}

/** Model and options of one configuration. */
export interface Suggestion {
  readonly model: string
  /** Fixed options and drawn ones that are in force. */
  readonly options: Settings
}
/** A configuration with its result, smaller is better; null when it failed. */
export interface Observation extends Suggestion {
  readonly loss: number | null
}
export type Spaces = Readonly<Record<string, ModelSpace>>
export type Draw = () => number
