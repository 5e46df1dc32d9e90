import { LvmError } from '../errors.js'
import { longFrom, type PickleReader } from './pickle-reader.js'

/** What may stand for a global of Python: our own function, or a constant. No other code is ever reached. */
export interface Global {
  /** Makes the value from the arguments a pickle gives. */
  readonly make?: (...args: unknown[]) => unknown
  /** Receives the state a pickle sets afterwards; without it the state is dropped. */
  readonly build?: (made: object, state: unknown) => void
  /** For globals that are not called. */
  readonly value?: unknown
}
export type Globals = ReadonlyMap<string, Global>

export interface UnpickleOptions {
  /** The file, for errors. */
  readonly owner: string
  readonly globals: Globals
  /** Resolves persistent ids. */
  readonly persistent?: (id: unknown) => unknown
  /** Where the pickle begins. */
  readonly start?: number
}

const STACK_LIMIT = 1 << 26
const LONG_LIMIT = 1024
const sizeOf = (value: unknown): number => {
  if (value instanceof Map || value instanceof Set) return value.size
  return typeof value === 'string' || Array.isArray(value) ? value.length : 1
}

/** The stack machine that a pickle is a program for. */
export class Machine {
  readonly stack: unknown[] = []
  readonly marks: number[] = []
  readonly memo = new Map<number, unknown>()
  readonly makers = new WeakMap<object, Global>()
  readonly allowed: Set<unknown>
  /** What makers may copy: a few bytes that recall one long list again and again must not fill the memory. */
  readonly copyLimit: number
  private copied = 0
  constructor(
    readonly reader: PickleReader,
    readonly options: UnpickleOptions,
  ) {
    this.copyLimit = 16 * reader.bytes.length + (1 << 20)
    this.allowed = new Set(options.globals.values())
  }
  push(value: unknown): void {
    if (this.stack.length >= STACK_LIMIT) throw this.reader.fail('it nests too much')
    this.stack.push(value)
  }
  pop(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.reader.fail('it takes what is not there')
    return this.stack.pop()
  }
  top(): unknown {
    if (this.stack.length === 0) throw this.reader.fail('it takes what is not there')
    return this.stack.at(-1)
  }
  popMark(): unknown[] {
    const from = this.marks.pop()
    if (from === undefined) throw this.reader.fail('a mark is missing')
    return this.stack.splice(from)
  }
  tuple(n: number): void {
    const items = Array.from({ length: n }, () => this.pop())
    this.push(items.reverse())
  }
  as<T>(value: unknown, type: abstract new (...args: never[]) => T): T {
    if (value instanceof type) return value
    throw this.reader.fail(`expected ${type.name} but received ${typeof value}`)
  }
  setItems(items: unknown[]): void {
    const map = this.as(this.top(), Map)
    if (items.length % 2 !== 0) throw this.reader.fail('a key has no value')
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
  }
  append(items: readonly unknown[]): void {
    const list = this.as(this.top(), Array)
    for (const item of items) list.push(item)
  }
  global(module: unknown, name: unknown): void {
    const known = this.options.globals.get(`${module}.${name}`)
    if (known === undefined) throw this.unsafe(`the global ${module}.${name}`)
    this.push(known.make === undefined ? known.value : known)
  }
  unsafe(what: string): LvmError {
    return new LvmError(
      'DATA_UNSAFE',
      `${this.options.owner}: expected plain values but its pickle asks for ${what}; nothing was run`,
    )
  }
  call(maker: unknown, args: unknown): void {
    if (!this.allowed.has(maker)) throw this.reader.fail('it calls what is not a function')
    const list = this.as(args, Array)
    for (const arg of list) this.copied += sizeOf(arg)
    if (this.copied > this.copyLimit) throw this.reader.fail('it unfolds to too many values')
    const made = this.guarded(() => (maker as Global).make!(...list))
    if (typeof made === 'object' && made !== null) this.makers.set(made, maker as Global)
    this.push(made)
  }
  build(): void {
    const state = this.pop()
    const made = this.top()
    const maker = typeof made === 'object' && made !== null ? this.makers.get(made) : undefined
    this.guarded(() => maker?.build?.(made as object, state))
  }
  persistent(id: unknown): void {
    const resolve = this.options.persistent
    if (resolve === undefined) throw this.unsafe('something outside the file')
    this.push(this.guarded(() => resolve(id)))
  }
  guarded<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw this.reader.fail((error as Error).message, error)
    }
  }
  remember(key: number): void {
    this.memo.set(key, this.top())
  }
  recall(key: number): void {
    if (!this.memo.has(key)) throw this.reader.fail('it recalls what it did not remember')
    this.push(this.memo.get(key))
  }
  whole(value: number | bigint | undefined): void {
    if (value === undefined) throw this.reader.fail('expected a whole number')
    this.push(value)
  }
  long(length: number): void {
    if (length > LONG_LIMIT) throw this.reader.fail(`a number of ${length} bytes is not read`)
    this.push(longFrom(this.reader.take(length)))
  }
}
