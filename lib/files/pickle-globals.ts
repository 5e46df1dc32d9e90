/** What may stand for a global of Python: our own function, or a constant. No other code is ever reached. */
export interface Global {
  /** Makes the value from the arguments a pickle gives. */
  readonly make?: (...args: unknown[]) => unknown
  /** Receives the state a pickle sets afterwards; without it the state is dropped. */
  readonly build?: (made: object, state: unknown) => void
  /** For globals that are not called. */
  readonly value?: unknown
  /** Of a class that is unknown here, its name. */
  readonly opaque?: string
}
export type Globals = ReadonlyMap<string, Global>
