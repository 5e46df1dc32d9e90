import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { plainElements } from '../../lib/files/element.js'
import { Opaque } from '../../lib/files/opaque.js'
import { type NdArray, PLAIN_GLOBALS } from '../../lib/files/python-globals.js'
import { unpickle } from '../../lib/files/unpickle.js'
import { dice, fixture, mutate, refused } from './fixture.js'

const load = async (bytes: Buffer | string) => {
  const options = { owner: 'test.pkl', globals: PLAIN_GLOBALS }
  return (await unpickle(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1'), options)).value
}
/** Description of the placeholder for an unsupported value. */
async function opaque(bytes: string): Promise<string> {
  const value = await load(bytes)
  expect(value).toBeInstanceOf(Opaque)
  return (value as Opaque).what
}

describe('unpickle', () => {
  it.each([0, 1, 2, 3, 4, 5])('unpickle reads plain values of protocol %i', async (protocol) => {
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
    const array = value.get('array') as NdArray
    expect(array).toMatchObject({ ndarray: true, shape: [2, 3], fortran: false, type: { kind: 'int', size: 4 } })
    expect(plainElements(array.content as Buffer, array.type)).toEqual([0, 1, 2, 3, 4, 5])
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
  ])('unpickle refuses code: %s', async (_, bytes) => {
    await refused('DATA_UNSAFE', load(bytes))
  })

  it('unpickle names the refused global and says that nothing was run', async () => {
    expect(await refused('DATA_UNSAFE', load('cposix\nsystem\n.'))).toMatch(/test\.pkl: .*posix\.system; nothing was run/)
  })

  it.each([
    ['an empty file', ''],
    ['no stop', 'N'],
    ['an empty stack', '.'],
    ['an unknown opcode', '\xff.'],
    ['a future protocol', '\x80\x06N.'],
    ['a text longer than the file', 'X\xff\xff\xff\xffabc.'],
    ['2^63 bytes', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.'],
    ['a number of a megabyte', '\x8b\x00\x00\x10\x00.'],
    ['a missing memo entry', 'h\x05.'],
    ['a pop below a mark', 'N(\x85.'],
    ['a key without a value', '}(Nu.'],
    ['items for a number', 'K\x01(Ne.'],
    ['a call of a number', 'K\x01)R.'],
    ['a call of a Map', '})R.'],
    ['a missing mark', 't.'],
    ['an integer written as text', 'Iabc\n.'],
    ['dict of a number', 'c__builtin__\ndict\n(K\x01tR.'],
    ['a list in itself', ']q\x00h\x00a.'],
    ['a dict in itself', '}q\x00K\x01h\x00s.'],
    ['a deeply nested list', `${'('.repeat(1000)}N${'l'.repeat(1000)}.`],
    ['a deeply nested tuple', `N${'\x85'.repeat(100_000)}.`],
    [
      'an array whose size differs from its shape',
      'cnumpy.core.multiarray\n_reconstruct\n)R(K\x01(K\x05tcnumpy\ndtype\n(U\x02i4tR\x89U\x04abcdtb.',
    ],
    [
      'an array of a huge shape',
      'cnumpy.core.multiarray\n_reconstruct\n)R(K\x01(J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ftcnumpy\ndtype\n(U\x02i4tR\x89U\x04abcdtb.',
    ],
  ])('unpickle refuses a damaged pickle: %s', async (_, bytes) => {
    await refused('DATA_FORMAT', load(bytes))
  })

  it('unpickle accepts memo keys in any order', async () => {
    expect(await load('K\x05r\x40\x42\x0f\x000K\x06\x94\x94j\x40\x42\x0f\x00h\x01\x86.')).toEqual([5, 6])
  })

  it.each([
    ['a class of a project', 'capp.models\nSettings\n)\x81}U\x01aK\x01sb.', 'app.models.Settings'],
    ['a class with keyword arguments', '\x80\x04capp\nThing\n)}U\x01aK\x01s\x92.', 'app.Thing'],
    ['an enumeration', 'capp\nColour\n(K\x01tR.', 'app.Colour'],
    ['a subclass of list', 'capp\nTrail\n)\x81(K\x01K\x02e.', 'app.Trail'],
    ['an object of protocol 0', 'ccopy_reg\n_reconstructor\n(capp\nThing\nc__builtin__\nobject\nNtR.', 'app.Thing'],
    ['a date', "cdatetime\ndate\n(S'x'\ntR.", 'datetime.date'],
  ])('unpickle makes an object of an unknown class Opaque: %s', async (_, bytes, name) => {
    expect(await opaque(bytes)).toBe(`an object of class ${name}`)
  })
  it.each([
    ['a range', 'cbuiltins\nrange\n(K\x00K\x03K\x01tR.', 'range'],
    ['a range of protocol 2', 'c__builtin__\nxrange\n(K\x00K\x03K\x01tR.', 'xrange'],
    ['a slice', 'cbuiltins\nslice\n(NK\x03NtR.', 'slice'],
    ['a complex number', 'cbuiltins\ncomplex\n(K\x01K\x02tR.', 'complex'],
    ['a pattern', "cre\n_compile\n(S'a'\nK\x00tR.", '_compile'],
    ['a generator of numpy', "cnumpy.random._pickle\n__generator_ctor\n(S'PCG64'\ntR.", '__generator_ctor'],
  ])('unpickle makes the value of a harmless Python function Opaque: %s', async (_, bytes, name) => {
    expect(await opaque(bytes)).toBe(`a value made by ${name}`)
  })
  it('unpickle keeps the items of an unknown dict subclass', async () => {
    expect([...((await load('capp\nConfig\n)\x81(U\x01aK\x01u.')) as Map<string, number>)]).toEqual([['a', 1]])
    const known = await load('clightning_fabric.utilities.data\nAttributeDict\n)\x81(U\x01aK\x01u.')
    expect(known).toEqual(new Map([['a', 1]]))
    expect(known).not.toBeInstanceOf(Opaque)
  })
  it.each([
    ['a function of a project', 'capp\nrun\n.'],
    ['a class that starts a process', 'csubprocess\nPopen\n.'],
    ['a class that loads a library', 'cctypes\nCDLL\n.'],
    ['a class that opens a file', 'cio\nFileIO\n.'],
    ['a partial function', 'cfunctools\npartial\n.'],
    ['a code object', 'ctypes\nCodeType\n.'],
    ['a method of a class', 'capp\nThing.run\n.'],
    ['a module of PyTorch that runs code', 'ctorch.jit\nScriptModule\n.'],
    ['numpy’s loader of libraries', 'cnumpy.ctypeslib\nThing\n.'],
    ['an empty name', 'capp\n\n.'],
  ])('unpickle refuses %s', async (_, bytes) => {
    await refused('DATA_UNSAFE', load(bytes))
  })

  it('unpickle keeps keys such as __proto__ as plain keys', async () => {
    const value = (await load('}(U\x09__proto__K\x01K\x05K\x02K\x03Nu.')) as Map<unknown, unknown>
    expect([...value]).toEqual([
      ['__proto__', 1],
      [5, 2],
      [3, null],
    ])
  })

  it('unpickle answers 6,000 random mutations with an LvmError at worst', async () => {
    const roll = dice(1)
    const seeds = [0, 1, 2, 3, 4, 5].map((protocol) => readFileSync(fixture(`plain-${protocol}.pkl`)))
    for (let i = 0; i < 6000; i++) {
      await load(mutate(seeds[i % 6]!, roll)).catch((error) => expect(error, String(error?.stack)).toBeInstanceOf(LvmError))
    }
  })
})
