import { LvmError, shown } from '../errors.js'
import { type NativeModel, type NativeParameter, type NativeTensor, native } from '../native.js'
import { optionsOf, readable } from '../torch/lists.js'
import { nextCall } from '../torch/operators/call-sites.js'
import { noted } from '../torch/operators/modes.js'
import { flagsOf } from '../torch/operators/operate.js'
import { Tensor } from '../torch/tensor.js'

/** Names of tensors that are missing in a state, unknown, or no tensors. */
function requireState(state: unknown, names: readonly string[]): asserts state is Record<string, Tensor> {
  const given = (typeof state === 'object' && state !== null ? state : {}) as Record<string, unknown>
  const wrong = [
    ...names.filter((name) => !(given[name] instanceof Tensor)),
    ...Object.keys(given).filter((name) => !names.includes(name)),
  ]
  if (wrong.length > 0)
    throw new LvmError(
      'BAD_ARGUMENT',
      `loadStateDict: expected a tensor for each of the ${names.length} names of stateDict() but ${shown(wrong[0])} is missing, unknown or no tensor`,
    )
}

/** How an optimizer treats the tensors of models. */
const traits = new WeakMap<NativeTensor, Pick<NativeParameter, 'decay' | 'lrCap'>>()
/** How an optimizer treats a tensor; undefined unless it belongs to a model. */
export const traitsOf = (tensor: NativeTensor) => traits.get(tensor)

/** A model for a training loop of one's own: its weights, and forward passes with gradients. */
export abstract class TrainableModel {
  abstract readonly native: NativeModel
  #training = false
  #passes = 0
  #parts: readonly (NativeParameter & { trainable: boolean })[] | undefined
  /** Seed of dropout. */
  protected readonly seed: number = 0

  /** Whether forward passes have dropout. */
  get training(): boolean {
    return this.#training
  }
  /** Turns dropout on, or off again with `false`. */
  train(on = true): this {
    this.#training = on
    return this
  }
  /** Turns dropout off, for evaluation. */
  eval(): this {
    return this.train(false)
  }
  /**
   * Computes what the loss reads: the output of the head, scaled to length 1 for models with `output` unit. Returns at once.
   *
   * Shapes: [batch, context, dim] → [batch, dim]; with `all`, for causal models, [batch, context, dim].
   */
  forward(x: Tensor, options: { all?: boolean } = {}): Tensor {
    if (!readable('forward', () => x instanceof Tensor))
      throw new LvmError('BAD_ARGUMENT', `forward: expected a tensor but received ${shown(x)}`)
    const { all = false } = optionsOf('forward', ['all'], options)
    if (typeof all !== 'boolean')
      throw new LvmError('BAD_ARGUMENT', `forward: expected true or false for "all" but received ${shown(all)}`)
    const seed = this.#training ? this.seed : null
    const call = nextCall(this.forward)
    const y = native.modelForward(this.native, x.native, all, seed, this.#passes++, flagsOf(), call)
    return noted(Tensor.wrap(y))
  }
  /** Handles of all parameters, which stay the same. */
  private get parts() {
    if (this.#parts === undefined) {
      this.#parts = native.modelParameters(this.native)
      for (const { tensor, decay, lrCap } of this.#parts) traits.set(tensor, { decay, lrCap })
    }
    return this.#parts
  }
  private chosen(wanted: (part: { trainable: boolean }) => boolean): Record<string, Tensor> {
    return Object.fromEntries(this.parts.filter(wanted).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  }
  /** The trainable tensors by name, as an optimizer takes them: writing to one changes the model. */
  namedParameters(): Record<string, Tensor> {
    return this.chosen(({ trainable }) => trainable)
  }
  /** Tensors that are saved but not trained. */
  namedBuffers(): Record<string, Tensor> {
    return this.chosen(({ trainable }) => !trainable)
  }
  /** All tensors by name, without their gradients; they share the memory of the model. */
  stateDict(): Record<string, Tensor> {
    return Object.fromEntries(native.modelState(this.native).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  }
  /** Copies values into all tensors. Errors: BAD_ARGUMENT for missing or unknown names; BAD_CHECKPOINT for another shape. */
  async loadStateDict(state: Readonly<Record<string, Tensor>>): Promise<void> {
    const given: unknown = readable('loadStateDict', () => ({ ...state }))
    requireState(given, Object.keys(this.stateDict()))
    await native.modelLoad(this.native, Object.fromEntries(Object.entries(given).map(([name, tensor]) => [name, tensor.native])))
  }
  /** How an optimizer treats each trainable tensor. */
  optimized(): NativeParameter[] {
    return this.parts.filter(({ trainable }) => trainable)
  }
  /** Frees the memory, also of its tensors; any later use fails. Errors: DISPOSED. */
  dispose(): void {
    native.dispose(this.native)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}
