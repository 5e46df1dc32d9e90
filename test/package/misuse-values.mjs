import { Tensor } from '../../dist/lib/index.js'

const throwing = () => {
  throw new Error('mine')
}
const everyTrap = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, throwing]))
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const detached = () => {
  const array = new Float32Array(24)
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}
const cyclic = () => {
  const list = []
  list.push(list)
  return Object.assign(list, { list })
}
const bound = (name) => ({ [name]: 1 })
/** Makes the values that no function accepts. */
export const misuses = {
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  infinite: () => Infinity,
  negative: () => -1,
  fraction: () => 1.5,
  huge: () => 1e308,
  bigint: () => 5n,
  'long bigint': () => 2n ** 100_000n,
  true: () => true,
  'empty text': () => '',
  'long text': () => 'x'.repeat(100_000),
  'text with a zero': () => 'a\0b',
  toString: () => 'toString',
  __proto__: () => '__proto__',
  'half a pair': () => '\ud800',
  symbol: () => Symbol('s'),
  function: () => throwing,
  class: () => class A {},
  'empty object': () => ({}),
  'object without prototype': () => Object.create(null),
  'object of many keys': () => Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key${i}`, i])),
  'object with toString': () => bound('toString'),
  'object with constructor': () => bound('constructor'),
  'object that throws as text': () => ({ toString: throwing, toJSON: throwing, [Symbol.toPrimitive]: throwing }),
  'getter that throws': () => Object.defineProperty({}, 'run', { get: throwing, enumerable: true }),
  'tag that throws': () => Object.defineProperty({}, Symbol.toStringTag, { get: throwing }),
  'empty list': () => [],
  'nested list': () => [[['x']]],
  'list that holds itself': cyclic,
  'list of everything': () => [null, undefined, Symbol('s'), 5n, {}],
  'longest list': () => new Array(2 ** 32 - 1),
  'list with a getter': () => Object.defineProperty([0], 0, { get: throwing }),
  'proxy that throws': () => new Proxy({}, everyTrap),
  'proxy of a list': () => new Proxy([], everyTrap),
  'revoked proxy': revoked,
  Float32Array: () => new Float32Array(100_000),
  Uint32Array: () => new Uint32Array(8),
  'detached array': detached,
  DataView: () => new DataView(new ArrayBuffer(8)),
  Map: () => new Map([[1, 2]]),
  Date: () => new Date(Number.NaN),
  promise: () => Promise.resolve(),
  error: () => new Error('x'),
  'false Tensor': () => Object.create(Tensor.prototype),
}
