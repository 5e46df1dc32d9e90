import { LvmError, shown } from '../../errors.js'
import type { Activation } from '../../spec/ops.js'

/** A JSON file of an encoder's folder, whose entries are checked when they are read. */
export class EncoderConfig {
  constructor(
    readonly path: string,
    readonly values: Readonly<Record<string, unknown>>,
  ) {}

  refuse(key: string, expected: string, hint?: string): LvmError {
    return new LvmError(
      'BAD_ENCODER',
      `${this.path}: expected ${expected} for "${key}" but received ${shown(this.values[key])}`,
      hint === undefined ? {} : { hint },
    )
  }
  private read<T>(key: string, expected: string, accepts: (value: unknown) => boolean, otherwise: T | undefined): T {
    const value = this.values[key] ?? otherwise
    if (!accepts(value)) throw this.refuse(key, expected)
    return value as T
  }
  /** Errors: BAD_ENCODER for anything but an integer from 1 to 2²⁴. */
  size = (key: string, otherwise?: number): number =>
    this.read(key, 'an integer ≥ 1', (v) => Number.isSafeInteger(v) && (v as number) >= 1 && (v as number) <= 2 ** 24, otherwise)
  /** Errors: BAD_ENCODER for anything but an integer ≥ 0. */
  count = (key: string, otherwise?: number): number =>
    this.read(key, 'an integer ≥ 0', (v) => Number.isSafeInteger(v) && (v as number) >= 0 && (v as number) <= 2 ** 24, otherwise)
  real = (key: string, otherwise?: number): number => this.read(key, 'a number', Number.isFinite, otherwise)
  flag = (key: string, otherwise?: boolean): boolean => this.read(key, 'true or false', (v) => typeof v === 'boolean', otherwise)
  text = (key: string, otherwise?: string): string => this.read(key, 'text', (v) => typeof v === 'string', otherwise)

  /** Errors: BAD_ENCODER for a value that changes the forward pass in a way that is not built here. */
  only(key: string, ...allowed: readonly unknown[]): void {
    const value = this.values[key]
    if (value === undefined || value === null || allowed.includes(value)) return
    throw this.refuse(key, allowed.map(shown).join(' or '))
  }

  /** The activation function of a feed-forward layer, by its name in transformers. */
  activation(key: string, otherwise?: string): Activation {
    const known: Readonly<Record<string, Activation>> = {
      gelu: 'gelu',
      gelu_python: 'gelu',
      gelu_new: 'gelu_tanh',
      gelu_fast: 'gelu_tanh',
      gelu_pytorch_tanh: 'gelu_tanh',
      relu: 'relu',
      silu: 'silu',
      swish: 'silu',
      tanh: 'tanh',
    }
    const found = known[this.text(key, otherwise)]
    if (found === undefined) throw this.refuse(key, `one of ${Object.keys(known).join(', ')}`)
    return found
  }
}
