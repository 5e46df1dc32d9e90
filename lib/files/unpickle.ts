import { DEFAULT_LIMITS } from './limits.js'
import type { Global } from './pickle-globals.js'
import { Machine, type UnpickleOptions } from './pickle-machine.js'
import { longOf, PickleReader, rawUnicode, unquote } from './pickle-reader.js'
import { checkPlain } from './plain.js'

/** Opcodes between two ticks of the event loop. */
const STRIDE = 1 << 16

type Opcode = (m: Machine, r: PickleReader) => void
const utf8 = (bytes: Buffer) => bytes.toString('utf8')
const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const quoted = (r: PickleReader) => {
  const [, text] = /^(?:'(.*)'|".*")$/s.exec(r.line()) ?? []
  if (text === undefined) throw r.fail('expected a quoted text')
  return unquote(text)
}
const refuse: (what: string) => Opcode = (what) => (m) => {
  throw m.unsafe(what)
}

/** All opcodes of protocols 0 to 5 by byte. */
const OPCODES: Readonly<Record<string, Opcode>> = {
  '\x80': (_, r) => {
    const protocol = r.u8()
    if (protocol > 5) throw r.fail(`expected protocol 0 to 5 but received ${protocol}`)
  },
  '\x95': (_, r) => void r.u64(),
  '(': (m) => m.mark(),
  '0': (m) => void (m.marks.length > 0 && m.stack.length === m.marks.at(-1) ? m.marks.pop() : m.pop()),
  '1': (m) => void m.popMark(),
  '2': (m) => m.push(m.top()),
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  I: (m, r) => {
    const text = r.line()
    if (text === '00' || text === '01') m.push(text === '01')
    else m.whole(longOf(text, m.limits.pickleNumberBytes))
  },
  J: (m, r) => m.push(r.take(4).readInt32LE()),
  K: (m, r) => m.push(r.u8()),
  M: (m, r) => m.push(r.take(2).readUInt16LE()),
  L: (m, r) => m.whole(longOf(r.line(), m.limits.pickleNumberBytes)),
  '\x8a': (m, r) => m.long(r.u8()),
  '\x8b': (m, r) => m.long(r.u32()),
  F: (m, r) => m.pushFloat(Number(r.line().replace('inf', 'Infinity'))),
  G: (m, r) => m.pushFloat(r.take(8).readDoubleBE()),
  S: (m, r) => m.pushText(quoted(r)),
  T: (m, r) => m.pushText(latin1(r.take(r.u32()))),
  U: (m, r) => m.pushText(latin1(r.take(r.u8()))),
  B: (m, r) => m.pushObject(r.take(r.u32())),
  C: (m, r) => m.pushObject(r.take(r.u8())),
  '\x8e': (m, r) => m.pushObject(r.take(r.u64())),
  '\x96': (m, r) => m.pushObject(r.take(r.u64())),
  V: (m, r) => m.pushText(rawUnicode(r.line())),
  X: (m, r) => m.pushText(utf8(r.take(r.u32()))),
  '\x8c': (m, r) => m.pushText(utf8(r.take(r.u8()))),
  '\x8d': (m, r) => m.pushText(utf8(r.take(r.u64()))),
  ']': (m) => m.pushObject([]),
  a: (m) => m.append([m.pop()]),
  e: (m) => m.append(m.popMark()),
  l: (m) => m.pushObject(m.popMark()),
  ')': (m) => m.pushObject([]),
  t: (m) => m.pushObject(m.popMark()),
  '\x85': (m) => m.tuple(1),
  '\x86': (m) => m.tuple(2),
  '\x87': (m) => m.tuple(3),
  '}': (m) => m.pushObject(new Map()),
  d: (m) => {
    const items = m.popMark()
    m.pushObject(new Map())
    m.setItems(items)
  },
  s: (m) => {
    const value = m.pop()
    m.setItems([m.pop(), value])
  },
  u: (m) => m.setItems(m.popMark()),
  '\x8f': (m) => m.pushObject(new Set()),
  '\x90': (m) => m.addItems(m.popMark()),
  '\x91': (m) => {
    const items = m.popMark()
    m.pushObject(new Set())
    m.addItems(items)
  },
  p: (m, r) => m.remember(Number(r.line())),
  q: (m, r) => m.remember(r.u8()),
  r: (m, r) => m.remember(r.u32()),
  '\x94': (m) => m.remember(),
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
    const named = m.as(m.pop(), Map).size > 0
    const args = m.pop()
    const maker = m.pop()
    if (named && (maker as Global | null)?.opaque === undefined) throw r.fail('keyword arguments are not supported')
    m.call(maker, args)
  },
  i: (m, r) => {
    m.global(r.line(), r.line())
    const maker = m.pop()
    m.call(maker, m.popMark())
  },
  o: (m, r) => {
    const [maker, ...args] = m.popMark()
    if (maker === undefined) throw r.fail('it constructs an object without a class')
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
 * Decodes a pickle without running code from it; returns its value and the offset of its end.
 *
 * Dicts become Maps, lists and tuples arrays, None null, integers beyond 2^53 bigints, bytes Buffers.
 * Errors: DATA_UNSAFE for a global that is not in the caller's table; DATA_FORMAT when it is damaged, cyclic or too deeply nested.
 */
export async function unpickle(bytes: Buffer, options: UnpickleOptions): Promise<{ value: unknown; end: number }> {
  const { limits = DEFAULT_LIMITS } = options
  const reader = new PickleReader(options.owner, bytes, options.start ?? 0, limits)
  if (bytes.length > limits.pickleBytes) throw reader.fail(`expected at most ${limits.pickleBytes} bytes`)
  const machine = new Machine(reader, options)
  for (let step = 1; ; step++) {
    if (step + reader.work / 4 > limits.pickleOpcodes) throw reader.fail(`it takes more than ${limits.pickleOpcodes} operations`)
    const code = reader.u8()
    if (code === STOP) break
    const run = TABLE[code]
    if (run === undefined) throw reader.fail(`there is no opcode ${code}`)
    run(machine, reader)
    if (step % STRIDE === 0) await new Promise(setImmediate)
  }
  const value = machine.pop()
  await checkPlain(options.owner, value, limits)
  return { value, end: reader.at }
}
