import { badOption, type LvmError, shown } from '../errors.js'
import { type NativeModel, native } from '../native.js'
import { count, nearestWord } from '../show.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import type { TrainSettings } from './recipe.js'

/** How a training treats the parameters of its model. */
export interface Chosen {
  /** Factors of the learning rate by parameter, 1 for all others; 0 for a frozen one. */
  readonly lrScales: Readonly<Record<string, number>>
  /** Numbers in the parameters that are trained. */
  readonly trainable: number
}

/** Whether a pattern fits a whole name: * stands for any characters, also dots. Takes time linear in the name. */
export function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return name === pattern
  const [first, last] = [parts[0]!, parts.at(-1)!]
  if (!name.startsWith(first) || !name.endsWith(last)) return false
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at + last.length <= name.length
}

/** Patterns of the modules around parameters: core.layers.0.* of core.layers.0.norm.weight. */
const modulesOf = (names: readonly string[]): string[] => [
  ...new Set(
    names.flatMap((name) => {
      const parts = name.split('.')
      return parts.slice(1).map((_, i) => `${parts.slice(0, i + 1).join('.')}.*`)
    }),
  ),
]

/** Most names in a hint. */
const SHOWN = 6
const listed = (names: readonly string[]) =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${count(names.length - SHOWN)} more` : ''}`

/** Error for a pattern that fits no parameter, with the names that were probably meant. */
function unknown(key: 'freeze' | 'lrScale', pattern: string, names: readonly string[], buffers: readonly string[]): LvmError {
  const wider = [`${pattern}.*`, `*${pattern}`, `*${pattern}.*`].find((wide) => names.some((name) => fits(wide, name)))
  const meant = wider ?? nearestWord(pattern, [...modulesOf(names), ...names])
  const hint = buffers.some((name) => fits(pattern, name))
    ? 'it fits a buffer, which no training changes; leave it out'
    : meant === undefined
      ? `the parameters are ${listed(names)}`
      : `did you mean "${meant}"? It fits ${listed(names.filter((name) => fits(meant, name)))}`
  return badOption('train', key, 'names of parameters of the model, where * stands for any characters,', pattern, hint)
}

/**
 * Finds the parameters that `freeze` and `lrScale` name.
 *
 * Errors: BAD_OPTION for a pattern that fits no parameter or has no effect, and when every parameter is frozen.
 */
export function chosenOf(model: NativeModel, { freeze = [], lrScale = {} }: Pick<TrainSettings, 'freeze' | 'lrScale'>): Chosen {
  const state = native.modelState(model)
  const parameters = state.filter(({ trainable }) => trainable)
  const names = parameters.map(({ name }) => name)
  const buffers = state.flatMap(({ name, trainable }) => (trainable ? [] : [name]))
  const require = (key: 'freeze' | 'lrScale', pattern: string) => {
    if (!names.some((name) => fits(pattern, name))) throw unknown(key, pattern, names, buffers)
  }
  for (const pattern of freeze) require('freeze', pattern)
  for (const pattern of Object.keys(lrScale)) require('lrScale', pattern)
  const frozen = new Set(names.filter((name) => freeze.some((pattern) => fits(pattern, name))))
  if (frozen.size === names.length)
    throw badOption('train', 'freeze', 'at least one parameter that is not frozen', freeze, 'leave a part out, such as head.*')
  const deciding = new Map(
    names.flatMap((name) => {
      const pattern = frozen.has(name) ? undefined : Object.keys(lrScale).findLast((pattern) => fits(pattern, name))
      return pattern === undefined ? [] : [[name, pattern] as const]
    }),
  )
  const used = new Set(deciding.values())
  const idle = Object.keys(lrScale).find((pattern) => !used.has(pattern))
  if (idle !== undefined) {
    const why = names.some((name) => !frozen.has(name) && fits(idle, name))
      ? 'later patterns fit all its parameters; put it behind them'
      : 'all its parameters are frozen; leave it out'
    throw badOption('train', 'lrScale', `an effect of ${shown(idle)}`, lrScale, why)
  }
  const shapes = parameters.filter(({ name }) => !frozen.has(name)).map(({ tensor }) => native.tensorShape(tensor))
  return {
    lrScales: {
      ...Object.fromEntries([...deciding].map(([name, pattern]) => [name, lrScale[pattern]!])),
      ...Object.fromEntries([...frozen].map((name) => [name, 0])),
    },
    trainable: shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0),
  }
}

/**
 * Counts the numbers in the parameters that a training changes. With `freeze` it takes the memory of the weights for a moment.
 *
 * Errors: BAD_OPTION, as `chosenOf`.
 */
export async function trainableNumbers(spec: Node, train: TrainSettings): Promise<number> {
  if (train.freeze === undefined) return countParameters(spec)
  const model = await native.model(spec, train.weights === 'bf16' ? 'bfloat16' : 'float32', 'cpu', null)
  try {
    return chosenOf(model, train).trainable
  } finally {
    native.dispose(model)
  }
}
