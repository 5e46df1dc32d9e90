import { LvmError } from '../../errors.js'
import { type NativeOptimizer, type NativeParameter, native } from '../../native.js'
import { flag, type Given, real } from '../../options.js'
import { readable } from '../../torch/lists.js'
import { nextCall } from '../../torch/operators/call-sites.js'
import { Later } from '../../torch/operators/later.js'
import { Tensor } from '../../torch/tensor.js'
import { trainFields } from '../train-fields.js'
import {
  type GroupRates,
  grouped,
  nonNegative,
  type OptimizerGroup,
  type ParameterGroup,
  type Trainable,
} from './parameter-groups.js'
import { settled } from './settled.js'

const { beta1, beta2, eps, weightDecay } = trainFields
const clip = real({ default: 0, min: 0, about: 'largest global gradient norm; 0 turns clipping off' })
export const adamwFields = {
  lr: real({ default: 1e-3, min: 0, max: 10, about: 'learning rate' }),
  weightDecay,
  beta1,
  beta2,
  eps,
  clip,
  ema: real({
    default: 0,
    min: 0,
    max: 0.999999,
    about: 'decay of the moving average of the weights, with warm-up; 0 turns it off',
  }),
} as const
export const sgdFields = {
  lr: real({ default: 1e-2, min: 0, max: 1e6, about: 'learning rate' }),
  momentum: real({ default: 0, min: 0, max: 0.999999, about: 'decay of the moving average of the gradients' }),
  nesterov: flag({ default: false, about: 'look ahead by one step of the momentum' }),
  weightDecay: real({ default: 0, min: 0, max: 10, about: 'weight decay, added to the gradient' }),
  clip,
} as const
/** Options of AdamW. */
export interface AdamWOptions extends Given<typeof adamwFields> {}
/** Options of SGD. */
export interface SGDOptions extends Given<typeof sgdFields> {}
/** Changes tensors by their gradients. */
export abstract class Optimizer {
  protected readonly native: NativeOptimizer
  readonly #parameters: readonly NativeParameter[]
  readonly #initial: number
  #lr: number
  /** The groups in the order they were given in; one group unless several were given. */
  readonly groups: readonly OptimizerGroup[]
  protected constructor(
    kind: 'adamw' | 'sgd',
    given: Trainable | readonly ParameterGroup[],
    options: Readonly<Record<string, unknown>> & GroupRates,
  ) {
    const [owner, fields] = kind === 'sgd' ? (['SGD', sgdFields] as const) : (['AdamW', adamwFields] as const)
    const { groups, parameters } = grouped(owner, given, fields, options)
    this.#parameters = parameters
    this.groups = Object.freeze(groups)
    this.native = native.optimizer(kind, parameters, options)
    this.#initial = options.lr
    this.#lr = options.lr
  }
  /**
   * Learning rate of the next steps; setting it, as a schedule does, changes the rate of every group in proportion to its first one.
   *
   * Errors: BAD_ARGUMENT.
   */
  get lr(): number {
    return this.#lr
  }
  set lr(lr: number) {
    const factor = nonNegative('lr', lr) / this.#initial
    const own = this.groups.filter(({ initial }) => initial !== this.#initial)
    if (own.length > 0 && this.#initial === 0)
      throw new LvmError('BAD_ARGUMENT', 'optimizer: expected a first rate above 0 to scale the rates of groups in proportion to')
    for (const group of this.groups) group.lr = own.includes(group) ? group.initial * factor : lr
    this.#lr = lr
  }
  /**
   * Applies the gradients and clears them; resolves to their norm before clipping. Awaiting it is optional: the next wait for a tensor
   * throws a failure that nobody awaited.
   *
   * Errors: BAD_ARGUMENT when no tensor has a gradient; DIVERGED when they are not finite.
   */
  step(): Promise<number> {
    const each = (rate: (group: OptimizerGroup) => number) =>
      Float64Array.from(this.groups.flatMap((group) => group.names.map(() => rate(group))))
    const [rates, decays] = [each(({ lr }) => lr), each(({ weightDecay }) => weightDecay)]
    return Later.start(native.optimizerStep(this.native, rates, decays, nextCall(this.step)))
  }
  /** Clears the gradients without applying them. */
  zeroGrad(): void {
    for (const { tensor } of this.#parameters) native.tensorClearGrad(tensor, nextCall(this.zeroGrad))
  }
  /** Number of steps so far, and the optimizer's own tensors by name; they share its memory. */
  stateDict(): { steps: number; tensors: Record<string, Tensor> } {
    const { steps, slots } = native.optimizerState(this.native)
    const tensors = slots.flatMap(({ name, ...parts }) =>
      Object.entries(parts).map(([key, tensor]) => [`${name}.${key}`, Tensor.wrap(tensor)] as const),
    )
    return { steps, tensors: Object.fromEntries(tensors) }
  }
  /** Copies the state of another optimizer of the same tensors. Errors: BAD_ARGUMENT for other names. */
  async loadStateDict(state: { steps: number; tensors: Readonly<Record<string, Tensor>> }): Promise<void> {
    const { tensors: own } = this.stateDict()
    const names = Object.keys(own)
    const [steps, given] = readable('loadStateDict', () => [state?.steps, { ...state?.tensors }] as const)
    if (!Number.isSafeInteger(steps) || steps < 0 || Object.keys(given).sort().join() !== names.sort().join())
      throw new LvmError(
        'BAD_ARGUMENT',
        'loadStateDict: expected the state of an optimizer of the same kind and the same tensors',
      )
    for (const name of names) await own[name]!.change('aten::copy_', given[name])
    native.optimizerSetSteps(this.native, steps)
  }
  /** Frees the optimizer's own tensors; any later use fails. Errors: DISPOSED. */
  dispose(): void {
    native.optimizerDispose(this.native)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** AdamW with decoupled weight decay, in one pass over memory; the trainer's own. Source: Loshchilov & Hutter 2019, arXiv:1711.05101. */
export class AdamW extends Optimizer {
  constructor(parameters: Trainable | readonly ParameterGroup[], options: AdamWOptions = {}) {
    super('adamw', parameters, { ...settled('AdamW', adamwFields, options), emaWarmup: true, seed: 0 })
  }
  /** Swaps the weights with their moving averages; a second call swaps them back. */
  async swapAverage(): Promise<void> {
    await native.optimizerSwap(this.native)
  }
}

/** Stochastic gradient descent. Source: torch.optim.SGD; Sutskever et al. 2013. */
export class SGD extends Optimizer {
  constructor(parameters: Trainable | readonly ParameterGroup[], options: SGDOptions = {}) {
    super('sgd', parameters, settled('SGD', sgdFields, options))
  }
}
