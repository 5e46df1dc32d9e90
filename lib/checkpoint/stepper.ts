import { LvmError, shown } from '../errors.js'
import { type NativeModel, type NativeTensor, native } from '../native.js'
import { readable } from '../torch/lists.js'
import { type ProcessSettings, withSettings } from '../torch/process-settings.js'
import { Tensor } from '../torch/tensor.js'

/** Predicts from vectors fed one at a time, for each row of a batch. */
export interface Stepper {
  /**
   * Feeds one vector per row and predicts the next; unit length unless `raw`.
   *
   * Shapes: Float32Array of batch · dim → the same.
   * Errors: BAD_ARGUMENT; BAD_OPTION for more vectors than the model was built for; DATA_NOT_FINITE.
   */
  step(x: Float32Array): Promise<Float32Array>
  reset(): Promise<void>
  dispose(): void
  [Symbol.dispose](): void
}

/** Errors: BAD_ARGUMENT for anything but a Float32Array of one or more times `size` numbers. */
export function requireVectors(owner: string, x: unknown, size: number): asserts x is Float32Array {
  const vectors = readable(owner, () => x instanceof Float32Array)
  const length = vectors ? (x as Float32Array).length : 0
  if (length > 0 && length % size === 0) return
  const received = length > 0 ? length : vectors ? 'none' : shown(x)
  throw new LvmError(
    'BAD_ARGUMENT',
    `${owner}: expected a Float32Array of a multiple of ${size} numbers but received ${received}`,
    {
      hint: 'a batch holds its contexts row after row; give their length as {context} if it differs from the training',
    },
  )
}

/** Reads a result as float32 numbers. */
export async function numbers(handle: NativeTensor): Promise<Float32Array> {
  using output = Tensor.wrap(handle)
  using near = output.to({ device: 'cpu' })
  return near.data('float32')
}

/** Opens a stepper of a model; `require` throws for more vectors than the model accepts. */
export function openStepper(
  model: NativeModel,
  o: { settings: ProcessSettings; dim: number; batch: number; raw: boolean; require: (fed: number) => void },
): Stepper {
  const { settings, dim, batch, raw, require } = o
  const stepper = native.stepper(model, batch)
  let fed = 0
  return {
    async step(x) {
      requireVectors('stepper', x, dim)
      require(fed + 1)
      using input = Tensor.from(x, [x.length / dim, dim])
      fed++
      try {
        return await numbers(await withSettings(settings, () => native.stepperStep(stepper, input.native, raw)))
      } catch (error) {
        fed--
        throw error
      }
    },
    async reset() {
      await native.stepperReset(stepper)
      fed = 0
    },
    dispose: () => native.dispose(stepper),
    [Symbol.dispose]: () => native.dispose(stepper),
  }
}
