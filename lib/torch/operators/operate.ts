import { LvmError, shown } from '../../errors.js'
import { type NativeValue, native } from '../../native.js'
import { Holder } from '../handle-holder.js'
import { readable, unwrapped } from '../lists.js'
import { nextCall } from './call-sites.js'
import { holdBack } from './held-back.js'
import { recordsGradients } from './modes.js'
import { FORMS } from './operator-forms.js'
import { unknownName } from './unknown-name.js'

type Inner = (...given: never[]) => unknown
/** Forms that only functions of this package call. */
const OWN: Readonly<Record<string, readonly string[]>> = { to: ['aten::to.dtype_layout'] }
const numbers = new Map<string, number>()
/** Number under which the addon knows the forms of an operator. */
function numberOf(name: string): number {
  const known = numbers.get(name)
  if (known !== undefined) return known
  const number = native.operatorForms(OWN[name] ?? FORMS[name]!)
  numbers.set(name, number)
  return number
}

/** Flags of a call for the addon. */
export const flagsOf = (requiresGrad = false): number => (recordsGradients() ? 1 : 0) + (requiresGrad ? 2 : 0)

const unwrapOne = (item: unknown): unknown => (item instanceof Holder ? item.native : item)
/** Replaces tensors by their handles, also in lists. */
export const unwrap = (value: unknown): unknown => unwrapped(value, unwrapOne)

const isOptions = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Holder) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
const snake = (key: string): string => key.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Takes the named arguments from the end of a list. */
function takeNamed(owner: string, given: unknown[]): { named: Record<string, unknown> | undefined; requiresGrad: boolean } {
  if (!isOptions(given.at(-1))) return { named: undefined, requiresGrad: false }
  const { requiresGrad = false, ...rest } = given.pop() as Record<string, unknown>
  if (typeof requiresGrad !== 'boolean')
    throw new LvmError('BAD_ARGUMENT', `${owner}: expected true or false for "requiresGrad" but received ${shown(requiresGrad)}`)
  const keys = Object.keys(rest).filter((key) => rest[key] !== undefined)
  return {
    named: keys.length === 0 ? undefined : Object.fromEntries(keys.map((key) => [snake(key), unwrap(rest[key])])),
    requiresGrad,
  }
}

function namingUnknown<T>(name: string, given: readonly string[], apply: () => T): T {
  try {
    return apply()
  } catch (error) {
    throw unknownName(name, OWN[name] ?? FORMS[name]!, given, error) ?? error
  }
}

/**
 * Queues an operator and returns handles of its results, which are not computed yet; a call in place returns undefined. `inner` is the
 * function that the user called.
 *
 * Errors: BAD_ARGUMENT when no form takes these arguments.
 */
export function operate(name: string, inner: Inner, args: readonly unknown[]): NativeValue {
  const { given, named, requiresGrad } = readable(name, () => {
    const taken = [...args]
    const options = takeNamed(name, taken)
    return { ...options, given: taken.map(unwrap) }
  })
  const call = nextCall(inner)
  const apply = () => native.apply(numberOf(name), given, named, flagsOf(requiresGrad), call)
  const result = named === undefined ? apply() : namingUnknown(name, Object.keys(named), apply)
  holdBack(result, call)
  return result
}
