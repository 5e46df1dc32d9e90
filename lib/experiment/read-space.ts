import { shown } from '../errors.js'
import type { Field } from '../options.js'
import { nearestWord } from '../show.js'
import type { Architecture } from '../spec/architecture.js'
import { isKeyed, type Keyed, keysAt, type Path, type PlanText, unknownKey } from './plan-file.js'
import { architectureNamed, type OwnModel } from './plan-models.js'
import {
  type Domain,
  fieldsOf,
  type ModelSpace,
  modelsWith,
  OWN,
  type Searched,
  type Settings,
  type Value,
} from './search-space.js'

const RANGE = ['min', 'max', 'log', 'integer', 'when']
const LIST = ['values', 'when']
const PATHS = ['val', 'init']

/** Option name in camelCase; a plan may also write it as on the command line. */
const camel = (key: string) => key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

function fieldAt(plan: PlanText, at: Path, model: Architecture): Field<unknown> {
  const key = camel(String(at.at(-1)))
  const fields = fieldsOf(model)
  if (Object.hasOwn(fields, key)) return fields[key]!
  if (Object.hasOwn(OWN, key)) throw plan.wrong(at, 'no such key here', `"${key}"`, OWN[key])
  const others = modelsWith(key)
  if (others.length > 0)
    throw plan.wrong(
      at,
      `an option that ${model.name} has too`,
      `one of ${others.join(', ')}`,
      `write it below "models", under the models that have it`,
    )
  const meant = nearestWord(key, Object.keys(fields))
  throw plan.wrong(
    at,
    `an option of train or of ${model.name}`,
    'an unknown name',
    meant === undefined ? 'docs/options.md lists every option' : `did you mean "${meant}"?`,
  )
}

/** YAML reads `history: 12` as a number, where the option is a word of a certain form; free text must be quoted. */
const asTyped = ({ kind, expected }: Field<unknown>, value: unknown) =>
  kind === 'text' && expected !== 'text' && typeof value === 'number' ? String(value) : value

function fixedValue(plan: PlanText, at: Path, field: Field<unknown>, given: unknown): Value {
  const value = asTyped(field, given)
  if (value === null || value === undefined || !field.accepts(value)) throw plan.wrong(at, field.expected, shown(value))
  return value as Value
}

function listAt(plan: PlanText, at: Path, field: Field<unknown>, values: readonly unknown[]): Domain {
  if (values.length === 0) throw plan.wrong(at, 'at least one value', 'an empty list')
  const read = values.map((value, i) => fixedValue(plan, [...at, i], field, value))
  read.forEach((value, i) => {
    if (read.indexOf(value) !== i) throw plan.wrong([...at, i], 'each value once', `${shown(value)} again`)
  })
  return { kind: 'list', values: read }
}

function rangeAt(plan: PlanText, at: Path, field: Field<unknown>, o: Keyed): Domain {
  if (field.kind !== 'integer' && field.kind !== 'real')
    throw plan.wrong(at, `a list of values (${field.expected})`, 'a range', 'write the values as [a, b, c]')
  const { min, max, log = false, integer = field.kind === 'integer' } = o
  for (const key of ['min', 'max'] as const) {
    if (o[key] === undefined) throw plan.wrong(at, 'a list of values, or both "min" and "max"', `no "${key}"`)
    if (typeof o[key] !== 'number' || !field.accepts(o[key])) throw plan.wrong([...at, key], field.expected, shown(o[key]))
  }
  for (const key of ['log', 'integer'] as const)
    if (o[key] !== undefined && typeof o[key] !== 'boolean') throw plan.wrong([...at, key], 'true or false', shown(o[key]))
  if ((min as number) >= (max as number)) throw plan.wrong([...at, 'max'], `more than min, ${min},`, shown(max))
  if (log === true && (min as number) <= 0) throw plan.wrong([...at, 'min'], 'more than 0 with "log: true"', shown(min))
  if (integer === false && field.kind === 'integer')
    throw plan.wrong([...at, 'integer'], 'true, because the option is an integer,', 'false')
  if (integer === true && !(Number.isInteger(min) && Number.isInteger(max)))
    throw plan.wrong(at, 'whole numbers for "min" and "max" with "integer: true"', `${min} and ${max}`)
  return { kind: 'range', min: min as number, max: max as number, log: log === true, integer: integer === true }
}

function searchedAt(plan: PlanText, at: Path, model: Architecture, value: unknown): Searched {
  const field = fieldAt(plan, at, model)
  if (Array.isArray(value)) return { domain: listAt(plan, at, field, value as unknown[]), when: {} }
  if (!isKeyed(value))
    throw plan.wrong(at, 'a list of values or {min, max}', shown(value), 'one fixed value belongs below "fixed"')
  const isList = value.values !== undefined
  const known = isList ? LIST : RANGE
  for (const key of Object.keys(value)) if (!known.includes(key)) throw unknownKey(plan, [...at, key], known)
  if (isList && !Array.isArray(value.values)) throw plan.wrong([...at, 'values'], 'a list of values', shown(value.values))
  const domain = isList ? listAt(plan, [...at, 'values'], field, value.values as unknown[]) : rangeAt(plan, at, field, value)
  const conditions = Object.entries(keysAt(plan, [...at, 'when'], value.when))
  const when = conditions.map(([key, one]) => {
    const on = [...at, 'when', key]
    const values = (Array.isArray(one) ? one : [one]) as unknown[]
    return [camel(key), values.map((each) => fixedValue(plan, on, fieldAt(plan, on, model), each))] as const
  })
  return { domain, when: Object.fromEntries(when) }
}

/** Checks that every condition names another option of the model, and that no option depends on itself. */
function checkConditions(plan: PlanText, at: (key: string) => Path, { fixed, search }: ModelSpace): void {
  const follow = (key: string, passed: readonly string[]): void => {
    for (const on of Object.keys(search[key]?.when ?? {})) {
      const place = [...at(key), 'when', on]
      if (passed.includes(on) || on === key) throw plan.wrong(place, 'an option that does not depend on this one', `"${on}"`)
      if (!(on in search) && !(on in fixed))
        throw plan.wrong(place, 'an option that is fixed or searched', `"${on}", which is neither`)
      follow(on, [...passed, key])
    }
  }
  for (const key of Object.keys(search)) follow(key, [])
}

/** Reads the fixed and searched options of every model: those for all, and those below the model's name, which replace them. */
export function readSpaces(
  plan: PlanText,
  given: Keyed,
  models: readonly string[],
  o: { at: (path: string) => string; resource: string | undefined; own: readonly OwnModel[] },
): Readonly<Record<string, ModelSpace>> {
  const spaceOf = (model: string): ModelSpace => {
    const architecture = architectureNamed(model, o.own)
    const own = isKeyed(given.models) ? keysAt(plan, ['models', model], given.models[model]) : {}
    for (const key of Object.keys(own))
      if (key !== 'fixed' && key !== 'search') throw unknownKey(plan, ['models', model, key], ['fixed', 'search'])
    const places: Record<string, Path> = {}
    const fixed: Record<string, Value> = {}
    const search: Record<string, Searched> = {}
    for (const [top, part] of [
      [[], given],
      [['models', model], own],
    ] as [Path, Keyed][]) {
      for (const kind of ['fixed', 'search'] as const) {
        for (const [typed, value] of Object.entries(keysAt(plan, [...top, kind], part[kind]))) {
          const [at, key] = [[...top, kind, typed], camel(typed)]
          const field = fieldAt(plan, at, architecture)
          if (key === o.resource) throw plan.wrong(at, 'no value, because "halving" sets it,', shown(value))
          if (places[key]?.length === at.length) throw plan.wrong(at, 'each option once, fixed or searched', `"${key}" again`)
          places[key] = at
          delete fixed[key]
          delete search[key]
          if (kind === 'search') search[key] = searchedAt(plan, at, architecture, value)
          else
            fixed[key] = PATHS.includes(key)
              ? o.at(String(fixedValue(plan, at, field, value)))
              : fixedValue(plan, at, field, value)
        }
      }
    }
    const space = { fixed: fixed as Settings, search }
    checkConditions(plan, (key) => places[key]!, space)
    return space
  }
  return Object.fromEntries(models.map((model) => [model, spaceOf(model)]))
}
