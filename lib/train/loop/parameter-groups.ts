import { TrainableModel, traitsOf } from '../../checkpoint/trainable-model.js'
import { LvmError, shown } from '../../errors.js'
import { type NativeParameter, native } from '../../native.js'
import { type Field, type Fields, resolve } from '../../options.js'
import { MAX_LENGTH, readable } from '../../torch/lists.js'
import { Tensor } from '../../torch/tensor.js'

/** What an optimizer trains: a model, or tensors; it leaves out those that do not require a gradient. */
export type Trainable = TrainableModel | readonly Tensor[] | Readonly<Record<string, Tensor>>
/** Parameters with a learning rate and a weight decay of their own; what is not given is that of the optimizer. */
export interface ParameterGroup {
  readonly params: Trainable
  readonly lr?: number | undefined
  readonly weightDecay?: number | undefined
}

/** Rate and weight decay of a group of an optimizer. */
export interface GroupRates {
  readonly lr: number
  readonly weightDecay: number
}
/** Parameters of an optimizer that have one learning rate and one weight decay. */
export class OptimizerGroup {
  #rates: GroupRates
  constructor(
    readonly names: readonly string[],
    /** The learning rate that a schedule scales. */
    readonly initial: number,
    weightDecay: number,
  ) {
    this.#rates = { lr: initial, weightDecay }
  }
  /** Learning rate of the next steps; setting the optimizer's `lr` changes it in proportion. */
  get lr(): number {
    return this.#rates.lr
  }
  set lr(lr: number) {
    this.#rates = { ...this.#rates, lr: nonNegative('lr', lr) }
  }
  /** Weight decay of the next steps. */
  get weightDecay(): number {
    return this.#rates.weightDecay
  }
  set weightDecay(weightDecay: number) {
    this.#rates = { ...this.#rates, weightDecay: nonNegative('weightDecay', weightDecay) }
  }
}

/** Errors: BAD_ARGUMENT for another value than a number ≥ 0. */
export function nonNegative(key: string, value: number): number {
  if (!Number.isFinite(value) || value < 0)
    throw new LvmError('BAD_ARGUMENT', `optimizer: expected a number ≥ 0 for "${key}" but received ${shown(value)}`)
  return value
}

const refused = (owner: string, expected: string) => new LvmError('BAD_ARGUMENT', `${owner}: expected ${expected}`)

/** Tensors of a model, a list or a record by name; those of a list are numbered from `first` on. */
function named(owner: string, given: unknown, first: number): NativeParameter[] {
  if (given instanceof TrainableModel) return given.optimized()
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : []
  if (entries.length === 0 || entries.some(([, tensor]) => !(tensor instanceof Tensor)))
    throw refused(owner, `a model or tensors to train but received ${shown(given)}`)
  return (entries as [string, Tensor][]).map(([key, { native: tensor }], i) => {
    const name = Array.isArray(given) ? String(first + i) : key
    return { decay: true, lrCap: Infinity, ...traitsOf(tensor), name, tensor }
  })
}

/** What an optimizer was given: its groups, and all their parameters in order. */
export interface Grouped {
  readonly groups: readonly OptimizerGroup[]
  readonly parameters: readonly NativeParameter[]
}

type Rated = Fields & { readonly lr: Field<number>; readonly weightDecay: Field<number> }

const isGroups = (given: unknown): given is readonly unknown[] =>
  Array.isArray(given) &&
  given.length > 0 &&
  given.length <= MAX_LENGTH &&
  given.every((one) => typeof one === 'object' && one !== null && 'params' in one)

/**
 * Reads the parameters of an optimizer; those that require no gradient are left out.
 *
 * Errors: BAD_ARGUMENT for a tensor or a name that comes twice, and without any tensor that requires a gradient; BAD_OPTION.
 */
export function grouped(
  owner: string,
  given: Trainable | readonly ParameterGroup[],
  fields: Rated,
  { lr, weightDecay }: GroupRates,
): Grouped {
  const own = { lr: fields.lr, weightDecay: fields.weightDecay }
  const read = readable(owner, () => {
    let count = 0
    return (isGroups(given) ? given : [{ params: given }]).map((group) => {
      const { params, ...rest } = group as ParameterGroup
      const parameters = named(owner, params, count)
      count += parameters.length
      return { parameters, rates: Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) }
    })
  })
  const all = read.flatMap(({ parameters }) => parameters)
  if (new Set(all.map(({ tensor }) => tensor)).size < all.length) throw refused(owner, 'each tensor once')
  if (new Set(all.map(({ name }) => name)).size < all.length) throw refused(owner, 'each name in one group only')
  const trained = (parameters: readonly NativeParameter[]) => parameters.filter(({ tensor }) => native.tensorRequiresGrad(tensor))
  const groups = read.map(({ parameters, rates }) => {
    const settled = resolve(owner, own, { lr, weightDecay, ...rates }) as GroupRates
    return new OptimizerGroup(
      trained(parameters).map(({ name }) => name),
      settled.lr,
      settled.weightDecay,
    )
  })
  const parameters = trained(all)
  if (parameters.length === 0) throw refused(owner, 'at least one tensor that requires a gradient')
  return { groups, parameters }
}
