import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PLAIN_GLOBALS } from '../../lib/data/python-globals.js'
import { unpickle } from '../../lib/data/unpickle.js'
import { LvmError } from '../../lib/errors.js'
import { dice, fixture, mutate, refused } from './fixture.js'

const load = async (bytes: Buffer | string) => {
  const options = { owner: 'test.pkl', globals: PLAIN_GLOBALS }
  return (await unpickle(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1'), options)).value
}

describe('unpickle', () => {
  it.each([0, 1, 2, 3, 4, 5])('reads plain values of protocol %i', async (protocol) => {
    const value = (await load(readFileSync(fixture(`plain-${protocol}.pkl`)))) as Map<string, unknown>
    expect(value.get('a')).toEqual([
      1,
      -1,
      300,
      70000,
      2n ** 70n,
      -(2n ** 70n),
      1.5,
      true,
      null,
      'é\n\'"\\',
      Buffer.from([0, 255]),
      [1],
      [1, 2],
      [1, 2, 3],
      [1, 2, 3, 4],
      new Map([['k', new Map([[2, 'v']])]]),
      [],
      [],
      new Map(),
    ])
    expect(value.get('set')).toEqual(new Set([1, 2]))
    expect(value.get('frozen')).toEqual(new Set([3]))
    expect(value.get('od')).toEqual(new Map([['x', 1]]))
    expect(value.get('scalar')).toBe(0.5)
    expect(value.get('array')).toEqual({ shape: [2, 3], data: [0, 1, 2, 3, 4, 5] })
  })

  it.each([
    ['protocol 0', "cos\nsystem\n(S'echo x'\ntR."],
    ['protocol 4', '\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.'],
    ['an instance', '(ios\nsystem\n.'],
    ['getattr', 'c__builtin__\ngetattr\n.'],
    ['eval', 'cbuiltins\neval\n.'],
    ['a name of every object', 'cbuiltins\nconstructor\n.'],
    ['the prototype', 'c__proto__\ntoString\n.'],
    ['an extension', '\x82\x01.'],
    ['a persistent id', 'Pabc\n.'],
    ['an outside buffer', '\x97.'],
  ])('refuses code: %s', async (_, bytes) => {
    await refused('DATA_UNSAFE', load(bytes))
  })

  it('names what it refused and says that nothing was run', async () => {
    expect(await refused('DATA_UNSAFE', load('cposix\nsystem\n.'))).toMatch(/test\.pkl: .*posix\.system; nothing was run/)
  })

  it.each([
    ['nothing', ''],
    ['no stop', 'N'],
    ['an empty stack', '.'],
    ['an unknown opcode', '\xff.'],
    ['a future protocol', '\x80\x06N.'],
    ['a text longer than the file', 'X\xff\xff\xff\xffabc.'],
    ['bytes of 2^63', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.'],
    ['a number of a megabyte', '\x8b\x00\x00\x10\x00.'],
    ['a memo that is not there', 'h\x05.'],
    ['a pop below a mark', 'N(\x85.'],
    ['a key without a value', '}(Nu.'],
    ['items for a number', 'K\x01(Ne.'],
    ['a call of a number', 'K\x01)R.'],
    ['a call of a Map', '})R.'],
    ['a mark that is missing', 't.'],
    ['a whole number in words', 'Iabc\n.'],
    ['dict of a number', 'c__builtin__\ndict\n(K\x01tR.'],
    ['a list in itself', ']q\x00h\x00a.'],
    ['a dict in itself', '}q\x00K\x01h\x00s.'],
    ['a deep nest', `${'('.repeat(1000)}N${'l'.repeat(1000)}.`],
    ['a deep tuple', `N${'\x85'.repeat(100_000)}.`],
    [
      'a billion laughs',
      `]q\x00${Array.from({ length: 60 }, (_, i) => `]q${String.fromCharCode(i + 1)}(h${String.fromCharCode(i)}h${String.fromCharCode(i)}e`).join('')}.`,
    ],
    ['a list copied again and again', `](${'K\x01'.repeat(1 << 17)}eq\x00(${'cbuiltins\nlist\n(h\x00tR'.repeat(1000)}l.`],
    [
      'an array of another size',
      'cnumpy.core.multiarray\n_reconstruct\n)R(K\x01(K\x05tcnumpy\ndtype\n(U\x02i4tR\x89U\x04abcdtb.',
    ],
    [
      'an array of a huge shape',
      'cnumpy.core.multiarray\n_reconstruct\n)R(K\x01(J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ftcnumpy\ndtype\n(U\x02i4tR\x89U\x04abcdtb.',
    ],
  ])('refuses damage: %s', async (_, bytes) => {
    await refused('DATA_FORMAT', load(bytes))
  })

  it('keeps keys that JavaScript objects would trip over', async () => {
    const value = (await load('}(U\x09__proto__K\x01K\x05K\x02K\x03Nu.')) as Map<unknown, unknown>
    expect([...value]).toEqual([
      ['__proto__', 1],
      [5, 2],
      [3, null],
    ])
  })

  it('survives 6,000 random mutations', async () => {
    const roll = dice(1)
    const seeds = [0, 1, 2, 3, 4, 5].map((protocol) => readFileSync(fixture(`plain-${protocol}.pkl`)))
    for (let i = 0; i < 6000; i++) {
      await load(mutate(seeds[i % 6]!, roll)).catch((error) => expect(error, String(error?.stack)).toBeInstanceOf(LvmError))
    }
  })
})
