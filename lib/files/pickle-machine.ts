import { getHeapStatistics } from 'node:v8'
import { LvmError } from '../errors.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { Opaque, opaqueClass } from './opaque.js'
import type { Global, Globals } from './pickle-globals.js'
import { longFrom, type PickleReader } from './pickle-reader.js'

export interface UnpickleOptions {
  /** File name for error messages. */
  readonly owner: string
  readonly globals: Globals
  /** Resolves persistent ids. */
  readonly persistent?: (id: unknown) => unknown
  /** Offset of the pickle in the bytes. */
  readonly start?: number
  readonly limits?: Limits
}

/** Estimated memory of an empty container (with its traversal state), a map or set entry, a list item and a text. Units: bytes. */
const COST = { container: 300, entry: 50, item: 24, text: 48 }
/** Work units of a slow operation: a long integer, or the lookup of a global. */
const SLOW = 64
/** Estimated memory of a copy of a value. Units: bytes. */
const copyCost = (value: unknown): number => {
  if (value instanceof Map || value instanceof Set) return COST.entry * value.size
  return typeof value === 'string' ? value.length : Array.isArray(value) ? COST.item * value.length : COST.item
}

/** The stack machine that executes a pickle. */
export class Machine {
  readonly stack: unknown[] = []
  readonly marks: number[] = []
  /** Memo entries with consecutive keys from 0, as picklers write them; `scattered` holds all other keys. */
  private readonly memo: unknown[] = []
  private readonly scattered = new Map<number, unknown>()
  readonly makers = new WeakMap<object, Global>()
  readonly allowed: Set<unknown>
  readonly limits: Limits
  private readonly unknown = new Map<string, Global>()
  private bytes = 0
  private reached = 0
  private readonly most: number
  constructor(
    readonly reader: PickleReader,
    readonly options: UnpickleOptions,
  ) {
    this.limits = options.limits ?? DEFAULT_LIMITS
    this.most = Math.min(this.limits.pickleMemoryBytes, getHeapStatistics().heap_size_limit / 3)
    this.allowed = new Set(options.globals.values())
  }
  /** Adds to the estimated memory before an allocation. */
  spend(bytes: number): void {
    this.bytes += bytes
    if (this.bytes > this.most) throw this.reader.fail(`its values need more than ${Math.floor(this.most)} bytes of memory`)
  }
  /** Adds the memory of copies: a short pickle that copies one long list repeatedly must not use unbounded memory or time. */
  private spendCopies(values: readonly unknown[]): void {
    for (const value of values) this.spend(copyCost(value))
  }
  /** Adds memory when the stacks exceed their previous maximum height. */
  private grow(): void {
    if (this.stack.length + this.marks.length <= this.reached) return
    this.reached++
    this.spend(COST.item)
  }
  push(value: unknown): void {
    this.grow()
    this.stack.push(value)
  }
  mark(): void {
    this.grow()
    this.marks.push(this.stack.length)
  }
  pushText(text: string): void {
    this.spend(COST.text + text.length)
    this.push(text)
  }
  pushFloat(value: number): void {
    this.spend(COST.item)
    this.push(value)
  }
  /** Pushes a new dict, set or list, or a view of the pickle's bytes. */
  pushObject(value: object): void {
    this.spend(COST.container)
    this.push(value)
  }
  pop(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.reader.fail('an operation reads below the bottom of the stack')
    return this.stack.pop()
  }
  top(): unknown {
    if (this.stack.length === 0) throw this.reader.fail('an operation reads below the bottom of the stack')
    return this.stack.at(-1)
  }
  popMark(): unknown[] {
    const from = this.marks.pop()
    if (from === undefined) throw this.reader.fail('a mark is missing')
    this.spend(COST.item * (this.stack.length - from))
    return this.stack.splice(from)
  }
  tuple(n: number): void {
    const from = this.stack.length - n
    if (from < (this.marks.at(-1) ?? 0)) throw this.reader.fail('an operation reads below the bottom of the stack')
    this.pushObject(this.stack.splice(from))
  }
  as<T>(value: unknown, type: abstract new (...args: never[]) => T): T {
    if (value instanceof type) return value
    throw this.reader.fail(`expected ${type.name} but received ${typeof value}`)
  }
  setItems(items: unknown[]): void {
    const map = this.as(this.top(), Map)
    if (items.length % 2 !== 0) throw this.reader.fail('a key has no value')
    this.spend((COST.entry * items.length) / 2)
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
  }
  append(items: readonly unknown[]): void {
    if (this.top() instanceof Opaque) return
    const list = this.as(this.top(), Array)
    this.spend(COST.item * items.length)
    for (const item of items) list.push(item)
  }
  addItems(items: readonly unknown[]): void {
    if (this.top() instanceof Opaque) return
    const set = this.as(this.top(), Set)
    this.spend(COST.entry * items.length)
    for (const item of items) set.add(item)
  }
  global(module: unknown, name: unknown): void {
    this.reader.work += SLOW
    if (typeof module !== 'string' || typeof name !== 'string')
      throw this.reader.fail('expected a name but received something else')
    const path = `${module}.${name}`
    const known = this.options.globals.get(path) ?? this.unknown.get(path) ?? opaqueClass(module, name)
    if (known === undefined) throw this.unsafe(`the global ${path.slice(0, 200)}`)
    if (known.opaque !== undefined) {
      if (!this.unknown.has(path)) this.spend(COST.container + path.length)
      this.unknown.set(path, known)
      this.allowed.add(known)
    }
    this.push(known.make === undefined ? known.value : known)
  }
  unsafe(what: string): LvmError {
    return new LvmError(
      'DATA_UNSAFE',
      `${this.options.owner}: expected plain values but its pickle asks for ${what}; nothing was run`,
    )
  }
  call(maker: unknown, args: unknown): void {
    if (!this.allowed.has(maker)) throw this.reader.fail('it calls something that is not a function')
    const list = this.as(args, Array)
    this.spendCopies(list)
    this.spend(COST.container)
    const made = this.guarded(() => (maker as Global).make!(...list))
    if (typeof made === 'object' && made !== null) this.makers.set(made, maker as Global)
    this.push(made)
  }
  build(): void {
    const state = this.pop()
    const made = this.top()
    const maker = typeof made === 'object' && made !== null ? this.makers.get(made) : undefined
    if (maker?.build === undefined) return
    this.spendCopies(Array.isArray(state) ? state : [state])
    this.guarded(() => maker.build!(made as object, state))
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
  /** Stores the top of the stack in the memo, under a given key or the next one. */
  remember(key = this.memo.length + this.scattered.size): void {
    this.spend(COST.entry)
    if (key <= this.memo.length && !this.scattered.has(key)) this.memo[key] = this.top()
    else this.scattered.set(key, this.top())
  }
  recall(key: number): void {
    if (!(key in this.memo) && !this.scattered.has(key)) throw this.reader.fail('it reads a memo entry that it did not write')
    this.push(this.scattered.has(key) ? this.scattered.get(key) : this.memo[key])
  }
  whole(value: number | bigint | undefined): void {
    if (value === undefined) throw this.reader.fail('expected a whole number')
    this.push(value)
  }
  long(length: number): void {
    if (length > this.limits.pickleNumberBytes) throw this.reader.fail(`a number of ${length} bytes is not read`)
    this.spend(COST.text + length)
    if (length > 8) this.reader.work += SLOW + length
    this.push(longFrom(this.reader.take(length)))
  }
}
