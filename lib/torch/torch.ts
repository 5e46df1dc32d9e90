import { LvmError, shown } from '../errors.js'
import { type DType, native, type TypedArray } from '../native.js'
import { type BackwardOptions, backwardOptions } from './backward-options.js'
import { arrayElements, dtypeOf, knownDtype, type RowMajor } from './dtypes.js'
import { Generator, manualSeed } from './generator.js'
import { listElements } from './list-elements.js'
import { MAX_LENGTH, optionsOf, readable, type Values } from './lists.js'
import { nextCall } from './operators/call-sites.js'
import { enableGrad, keep, noGrad, noted, scope } from './operators/modes.js'
import { flagsOf } from './operators/operate.js'
import { FORMS } from './operators/operator-forms.js'
import type { TorchFunctions } from './operators/operator-types.js'
import { operator, Tensor } from './tensor.js'

/** Functions of `torch` that are no operators. */
interface Further {
  /**
   * Makes a tensor of nested lists, or of one element: float32 of numbers, int64 of bigints and bool of booleans unless `dtype` says otherwise.
   *
   * Errors: BAD_ARGUMENT for an element that the dtype cannot hold.
   */
  tensor(data: Values | number | bigint | boolean, options?: { dtype?: DType; device?: string; requiresGrad?: boolean }): Tensor
  /** Gradients of outputs with respect to inputs, which their `grad` does not receive. */
  gradientsOf(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options?: BackwardOptions): Tensor[]
  noGrad: typeof noGrad
  enableGrad: typeof enableGrad
  scope: typeof scope
  keep: typeof keep
  manualSeed: typeof manualSeed
  /** Makes a generator of random numbers. */
  generator(seed?: number): Generator
}

/** Operators as functions of `torch`. */
function functions(): TorchFunctions<Tensor> {
  const made = Object.keys(FORMS).map((name) => {
    const run = (...args: unknown[]): unknown => operator(name, run, args)
    return [name, run] as const
  })
  return Object.fromEntries(made) as unknown as TorchFunctions<Tensor>
}
const operators = functions()

/** Elements of a list, or of a typed array, which is only rewritten where the dtype is another one. */
function elementsFor(data: unknown, wanted: DType | undefined): RowMajor {
  if (!ArrayBuffer.isView(data)) return listElements('tensor', data, wanted)
  const array = data as TypedArray
  const same = wanted === undefined || (!(array instanceof Uint16Array) && dtypeOf(array) === wanted)
  return same ? arrayElements('tensor', array) : listElements('tensor', Array.from<number | bigint>(array), wanted)
}
const tensor: Further['tensor'] = (data, options = {}) => {
  const { requiresGrad, ...place } = optionsOf('tensor', ['dtype', 'device', 'requiresGrad'], options) as typeof options
  const wanted = place.dtype === undefined ? undefined : knownDtype('tensor', place.dtype)
  const { array, shape, dtype } = readable('tensor', () => elementsFor(data, wanted))
  const plain = Tensor.from(array, shape, { dtype })
  const placed = Object.keys(place).length === 0 ? plain : plain.to(place)
  if (placed !== plain) plain.dispose()
  if (requiresGrad !== undefined) placed.requiresGrad = requiresGrad
  return placed
}

const handles = (name: string, list: unknown) => {
  if (Array.isArray(list) && list.length > 0 && list.length <= MAX_LENGTH && list.every((one) => one instanceof Tensor))
    return list.map(({ native }) => native)
  throw new LvmError('BAD_ARGUMENT', `gradientsOf: expected tensors for "${name}" but received ${shown(list)}`)
}
function gradientsOf(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], o: BackwardOptions = {}): Tensor[] {
  const [from, to] = readable('gradientsOf', () => [
    handles('outputs', outputs instanceof Tensor ? [outputs] : outputs),
    handles('inputs', inputs),
  ])
  const { keeps, records } = backwardOptions('gradientsOf', [], o)
  const made = native.gradientsOf(from!, to!, keeps, records, flagsOf(), nextCall(gradientsOf))
  return (Array.isArray(made) ? made : [made]).map((handle) => noted(Tensor.wrap(handle)))
}

/**
 * Operators of libtorch as functions: `torch.randn([3, 4])`, `torch.cat([a, b])`. They return at once and run in order; `await x.data()`
 * waits. Named arguments stand in an object at the end.
 */
export const torch: TorchFunctions<Tensor> & Further = {
  ...operators,
  /** In JavaScript 1 and 1.0 are the same number, so the dtype is float32 unless it is said. */
  full: (size, fillValue, options) =>
    operators.full(
      size,
      fillValue,
      readable('full', () => ({ ...options, dtype: options?.dtype ?? 'float32' })),
    ),
  tensor,
  gradientsOf,
  noGrad,
  enableGrad,
  scope,
  keep,
  manualSeed,
  generator: (seed) => new Generator(seed),
}
