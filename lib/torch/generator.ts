import { LvmError, shown } from '../errors.js'
import { type NativeGenerator, native } from '../native.js'
import { Holder } from './handle-holder.js'

function seedOf(owner: string, seed: unknown): number {
  if (Number.isSafeInteger(seed) && (seed as number) >= 0) return seed as number
  throw new LvmError('BAD_ARGUMENT', `${owner}: expected an integer ≥ 0 for "seed" but received ${shown(seed)}`)
}

/** A generator of random numbers for operators on the CPU; the same seed gives the same numbers. */
export class Generator extends Holder<NativeGenerator> {
  readonly native: NativeGenerator
  constructor(seed = 0) {
    super()
    this.native = native.generator(seedOf('Generator', seed))
  }
  /** Begins again with a seed, after the calls that were made before. */
  seed(seed: number): this {
    native.generatorSeed(this.native, seedOf('Generator.seed', seed))
    return this
  }
  dispose(): void {
    native.dispose(this.native)
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** Seeds the generator of operators that are given none. */
export function manualSeed(seed: number): void {
  native.generatorSeed(null, seedOf('manualSeed', seed))
}
