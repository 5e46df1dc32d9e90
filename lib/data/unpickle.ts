import { LvmError } from '../errors.js'
import { longFrom, longOf, PickleReader, rawUnicode, unescape } from './pickle-reader.js'
import { checkPlain } from './plain.js'

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
/** Opcodes between two breaths of the event loop. */
const STRIDE = 1 << 17

const sizeOf = (value: unknown): number => {
  if (value instanceof Map || value instanceof Set) return value.size
  return typeof value === 'string' || Array.isArray(value) ? value.length : 1
}

class Machine {
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

type Opcode = (m: Machine, r: PickleReader) => void
const utf8 = (bytes: Buffer) => bytes.toString('utf8')
const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const quoted = (r: PickleReader) => {
  const [, text] = /^(?:'(.*)'|".*")$/s.exec(r.line()) ?? []
  if (text === undefined) throw r.fail('expected a quoted text')
  return unescape(text)
}
const refuse: (what: string) => Opcode = (what) => (m) => {
  throw m.unsafe(what)
}

/** Every opcode of protocols 0 to 5 by its byte; what is missing here is not a pickle. */
const OPCODES: Readonly<Record<string, Opcode>> = {
  '\x80': (_, r) => {
    const protocol = r.u8()
    if (protocol > 5) throw r.fail(`expected protocol 0 to 5 but received ${protocol}`)
  },
  '\x95': (_, r) => void r.u64(),
  '(': (m) => void m.marks.push(m.stack.length),
  '0': (m) => void (m.marks.length > 0 && m.stack.length === m.marks.at(-1) ? m.marks.pop() : m.pop()),
  '1': (m) => void m.popMark(),
  '2': (m) => m.push(m.top()),
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  I: (m, r) => {
    const text = r.line()
    if (text === '00' || text === '01') m.push(text === '01')
    else m.whole(longOf(text))
  },
  J: (m, r) => m.push(r.take(4).readInt32LE()),
  K: (m, r) => m.push(r.u8()),
  M: (m, r) => m.push(r.take(2).readUInt16LE()),
  L: (m, r) => m.whole(longOf(r.line())),
  '\x8a': (m, r) => m.long(r.u8()),
  '\x8b': (m, r) => m.long(r.u32()),
  F: (m, r) => m.push(Number(r.line().replace('inf', 'Infinity'))),
  G: (m, r) => m.push(r.take(8).readDoubleBE()),
  S: (m, r) => m.push(quoted(r)),
  T: (m, r) => m.push(latin1(r.take(r.u32()))),
  U: (m, r) => m.push(latin1(r.take(r.u8()))),
  B: (m, r) => m.push(r.take(r.u32())),
  C: (m, r) => m.push(r.take(r.u8())),
  '\x8e': (m, r) => m.push(r.take(r.u64())),
  '\x96': (m, r) => m.push(r.take(r.u64())),
  V: (m, r) => m.push(rawUnicode(r.line())),
  X: (m, r) => m.push(utf8(r.take(r.u32()))),
  '\x8c': (m, r) => m.push(utf8(r.take(r.u8()))),
  '\x8d': (m, r) => m.push(utf8(r.take(r.u64()))),
  ']': (m) => m.push([]),
  a: (m) => m.append([m.pop()]),
  e: (m) => m.append(m.popMark()),
  l: (m) => m.push(m.popMark()),
  ')': (m) => m.push([]),
  t: (m) => m.push(m.popMark()),
  '\x85': (m) => m.tuple(1),
  '\x86': (m) => m.tuple(2),
  '\x87': (m) => m.tuple(3),
  '}': (m) => m.push(new Map()),
  d: (m) => {
    const items = m.popMark()
    m.push(new Map())
    m.setItems(items)
  },
  s: (m) => {
    const value = m.pop()
    m.setItems([m.pop(), value])
  },
  u: (m) => m.setItems(m.popMark()),
  '\x8f': (m) => m.push(new Set()),
  '\x90': (m) => {
    const items = m.popMark()
    const set = m.as(m.top(), Set)
    for (const item of items) set.add(item)
  },
  '\x91': (m) => m.push(new Set(m.popMark())),
  p: (m, r) => m.remember(Number(r.line())),
  q: (m, r) => m.remember(r.u8()),
  r: (m, r) => m.remember(r.u32()),
  '\x94': (m) => m.remember(m.memo.size),
  g: (m, r) => m.recall(Number(r.line())),
  h: (m, r) => m.recall(r.u8()),
  j: (m, r) => m.recall(r.u32()),
  c: (m, r) => m.global(r.line(), r.line()),
  '\x93': (m) => {
    const name = m.pop()
    m.global(m.pop(), name)
  },
  R: (m) => {
    const args = m.pop()
    m.call(m.pop(), args)
  },
  '\x81': (m) => {
    const args = m.pop()
    m.call(m.pop(), args)
  },
  '\x92': (m, r) => {
    if (m.as(m.pop(), Map).size > 0) throw r.fail('arguments by name are not read')
    const args = m.pop()
    m.call(m.pop(), args)
  },
  i: (m, r) => {
    m.global(r.line(), r.line())
    const maker = m.pop()
    m.call(maker, m.popMark())
  },
  o: (m, r) => {
    const [maker, ...args] = m.popMark()
    if (maker === undefined) throw r.fail('it makes an object of nothing')
    m.call(maker, args)
  },
  b: (m) => m.build(),
  Q: (m) => m.persistent(m.pop()),
  P: refuse('something outside the file'),
  '\x82': refuse('an entry of the extension registry'),
  '\x83': refuse('an entry of the extension registry'),
  '\x84': refuse('an entry of the extension registry'),
  '\x97': refuse('a buffer outside the file'),
  '\x98': refuse('a buffer outside the file'),
}
const TABLE = Array.from({ length: 256 }, (_, code) => OPCODES[String.fromCharCode(code)])
const STOP = '.'.charCodeAt(0)

/**
 * The value of a pickle, without running anything from it, and where it ends.
 *
 * Dicts become Maps, lists and tuples arrays, None null; whole numbers beyond 2^53 bigints, bytes Buffers.
 * Errors: DATA_UNSAFE for any global that is not in the caller's table; DATA_FORMAT when it is damaged, circular or too deep.
 */
export async function unpickle(bytes: Buffer, options: UnpickleOptions): Promise<{ value: unknown; end: number }> {
  const reader = new PickleReader(options.owner, bytes, options.start ?? 0)
  const machine = new Machine(reader, options)
  for (let step = 1; ; step++) {
    const code = reader.u8()
    if (code === STOP) break
    const run = TABLE[code]
    if (run === undefined) throw reader.fail(`there is no opcode ${code}`)
    run(machine, reader)
    if (step % STRIDE === 0) await new Promise(setImmediate)
  }
  const value = machine.pop()
  checkPlain(options.owner, value)
  return { value, end: reader.at }
}
