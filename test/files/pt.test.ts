import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { resolveLimits } from '../../lib/files/limits.js'
import { isTensorEntry, openPt, type PtFile, type TensorEntry } from '../../lib/files/pt.js'
import { readTensor } from '../../lib/torch/read-tensor.js'
import { dice, fixture, mutate, refused, scratch } from './fixture.js'

type Dict = Map<unknown, unknown>
const at = (file: PtFile, ...keys: unknown[]) => keys.reduce((value, key) => (value as Dict).get(key), file.value)
const numbers = async (file: PtFile, ...keys: unknown[]) => {
  using tensor = await readTensor(file, at(file, ...keys) as TensorEntry)
  using wide = await tensor.to({ dtype: 'float64' })
  return [...((await wide.data()) as Float64Array)]
}

describe.each(['checkpoint.pt', 'legacy.pt'])('%s', (name) => {
  it('openPt reads values and describes tensors without reading them', async () => {
    const file = await openPt(fixture(name))
    expect(file.format).toBe(name === 'legacy.pt' ? 'legacy' : 'zip')
    expect([...(file.value as Dict).keys()].slice(0, 3)).toEqual(['epoch', 'model_state_dict', 'val_loss'])
    expect(at(file, 'epoch')).toBe(3)
    expect(at(file, 'val_loss')).toBe(0.25)
    expect(at(file, 'val_cosine')).toBe(0.5)
    expect(at(file, 'best')).toBe(Infinity)
    expect(at(file, 'big')).toBe(2n ** 80n)
    expect(at(file, 'none')).toBe(null)
    expect(at(file, 'names')).toEqual(['a', ['b', true]])
    expect(at(file, 'set')).toEqual(new Set([1, 2]))
    expect(at(file, 'path')).toBe('/runs/lstm')
    expect(at(file, 'args')).toEqual(
      new Map<string, unknown>([
        ['lr', 5e-4],
        ['out', 'a/b'],
      ]),
    )
    expect([...(at(file, 'optimizer_state_dict', 'state') as Dict).keys()]).toEqual([0])
    expect(at(file, 'optimizer_state_dict', 'param_groups')).toEqual([
      new Map<string, unknown>([
        ['lr', 5e-4],
        ['betas', [0.9, 0.999]],
        ['params', [0]],
      ]),
    ])
    expect(file.warnings.join('\n')).toMatch(/Namespace/)
    expect(file.warnings.join('\n')).toMatch(/pathlib/)
    const weight = at(file, 'model_state_dict', 'weight')
    expect(isTensorEntry(weight)).toBe(true)
    expect(weight).toMatchObject({ dtype: 'float32', shape: [3, 4], strides: [4, 1], storageOffset: 0 })
    expect(at(file, 'model_state_dict', 'brain')).toMatchObject({ dtype: 'bfloat16', shape: [2, 3] })
  })

  it('openPt gives the offset of every storage', async () => {
    const file = await openPt(fixture(name))
    const { storage } = at(file, 'model_state_dict', 'weight') as TensorEntry
    const bytes = readFileSync(fixture(name)).subarray(storage.offsetInFile, storage.offsetInFile + 48)
    expect([...new Float32Array(new Uint8Array(bytes).buffer)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  it('tensors of every dtype in a PyTorch file are read', async () => {
    const file = await openPt(fixture(name))
    expect(await numbers(file, 'model_state_dict', 'weight')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(await numbers(file, 'model_state_dict', 'half')).toEqual([0, 1, 2, 3, 4, 5])
    expect(await numbers(file, 'model_state_dict', 'brain')).toEqual([0, 1, 2, 3, 4, 5])
    expect(await numbers(file, 'model_state_dict', 'steps')).toEqual([5])
    expect(await numbers(file, 'optimizer_state_dict', 'state', 0, 'step')).toEqual([7])
  })
})

describe.each(['views.pt', 'views-legacy.pt'])('%s', (name) => {
  it('openPt shares one storage between views', async () => {
    const file = await openPt(fixture(name))
    const of = (key: string) => at(file, key) as TensorEntry
    expect(of('rows').storage).toBe(of('base').storage)
    expect(of('rows')).toMatchObject({ storageOffset: 8, shape: [2, 4] })
    expect(of('transposed')).toMatchObject({ shape: [4, 6], strides: [1, 4] })
    expect(of('expanded')).toMatchObject({ shape: [4, 3], strides: [0, 1], storage: { elements: 3 } })
    expect(of('empty')).toMatchObject({ shape: [0, 5] })
    expect(of('scalar')).toMatchObject({ shape: [], dtype: 'float64' })
    expect(of('complex').dtype).toBe('complex64')
    expect(at(file, 'size')).toEqual([6, 4])
    expect(at(file, 'dtype')).toBe('float32')
    expect(at(file, 'device')).toBe('cpu')
  })

  it('views in a PyTorch file are read as contiguous tensors', async () => {
    const file = await openPt(fixture(name))
    expect(await numbers(file, 'rows')).toEqual([8, 9, 10, 11, 12, 13, 14, 15])
    expect((await numbers(file, 'transposed')).slice(0, 7)).toEqual([0, 4, 8, 12, 16, 20, 1])
    expect(await numbers(file, 'column')).toEqual([1, 5, 9, 13, 17, 21])
    expect(await numbers(file, 'expanded')).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
    expect(await numbers(file, 'empty')).toEqual([])
    expect(await numbers(file, 'scalar')).toEqual([2.5])
    expect(await numbers(file, 'parameter')).toEqual([0, 1, 2, 3])
    expect(await numbers(file, 'flags')).toEqual([1, 0, 1])
    expect(await numbers(file, 'bytes')).toEqual([1, 255])
    expect(await numbers(file, 'shorts')).toEqual([-3])
  })
})

it('the limit pickleBytes applies to the pickles of a file from before PyTorch 1.6, not to its tensors', async () => {
  const size = readFileSync(fixture('legacy.pt')).length
  const pickles = resolveLimits('test', { pickleBytes: size - 8 })
  expect((await openPt(fixture('legacy.pt'), { limits: pickles })).format).toBe('legacy')
  await refused('DATA_FORMAT', openPt(fixture('legacy.pt'), { limits: resolveLimits('test', { legacyPickleBytes: 100 }) }))
})

describe('unsafe and damaged files', () => {
  it.each(['evil.pt', 'evil-legacy.pt'])('openPt refuses the code in %s by name and runs nothing', async (name) => {
    expect(await refused('DATA_UNSAFE', openPt(fixture(name)))).toMatch(/posix\.system; nothing was run/)
    expect(existsSync('/tmp/lvm-torch-was-here')).toBe(false)
  })

  it('openPt refuses a pickled module and a TorchScript program', async () => {
    expect(await refused('DATA_UNSAFE', openPt(fixture('module.pt')))).toMatch(/torch\.nn\.modules\.linear\.Linear/)
    expect(await refused('DATA_UNSAFE', openPt(fixture('script.pt')))).toMatch(/TorchScript/)
  })

  it('openPt refuses files of other formats', async () => {
    await refused('FILE_MISSING', openPt(scratch('none.pt')))
    await refused('DATA_FORMAT', openPt(scratch('empty.pt', '')))
    await refused('DATA_FORMAT', openPt(scratch('text.pt', 'hello')))
    await refused('DATA_FORMAT', openPt(fixture('zip64.npz')))
    await refused('DATA_FORMAT', openPt(fixture('plain-2.pkl')))
  })

  it('openPt finds a flipped bit in a storage by its checksum', async () => {
    const bytes = readFileSync(fixture('checkpoint.pt'))
    const file = await openPt(fixture('checkpoint.pt'))
    const { storage } = at(file, 'model_state_dict', 'weight') as TensorEntry
    bytes[storage.offsetInFile + 7]! ^= 1
    expect(await refused('DATA_FORMAT', openPt(scratch('flipped.pt', bytes)))).toMatch(/CRC/)
    expect((await openPt(scratch('flipped.pt'), { verify: false })).format).toBe('zip')
  })

  it.each(['checkpoint.pt', 'legacy.pt', 'views-legacy.pt'])('openPt refuses %s truncated at any length', async (name) => {
    const bytes = readFileSync(fixture(name))
    for (let length = 0; length < bytes.length; length += 41)
      await refused('DATA_FORMAT', openPt(scratch('cut.pt', bytes.subarray(0, length))))
  })

  it('openPt answers 1,500 random mutations with an LvmError at worst', async () => {
    const roll = dice(3)
    const seeds = ['checkpoint.pt', 'legacy.pt', 'views.pt', 'views-legacy.pt', 'evil.pt'].map((name) =>
      readFileSync(fixture(name)),
    )
    for (let i = 0; i < 1500; i++) {
      const path = scratch('fuzz.pt', mutate(seeds[i % 5]!, roll))
      await openPt(path).catch((error) => expect(error, String(error?.stack)).toBeInstanceOf(LvmError))
    }
  }, 120_000)
})
