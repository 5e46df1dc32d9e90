/** Replacement for a Python global: one of our own functions, or a constant. A pickle can reach no other code. */
export interface Global {
  /** Makes the value from the arguments in the pickle. */
  readonly make?: (...args: unknown[]) => unknown
  /** Applies the state that the pickle sets afterwards; without it the state is dropped. */
  readonly build?: (made: object, state: unknown) => void
  /** Value of a global that is not called. */
  readonly value?: unknown
  /** Name of an unknown class. */
  readonly opaque?: string
}
export type Globals = ReadonlyMap<string, Global>
