import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { library } from '../../lib/libtorch/inspect-libtorch.js'
import { PLATFORMS } from '../../lib/libtorch/pins.js'
import { folder, torch, wheels, zip } from './fake.js'
import { setting } from './setting.js'

const whole = () => zip({ ...torch('2.13.0'), 'torch/build-version': '2.13.0' })
/** Offset of the first directory entry. */
const directory = (bytes: Buffer) => bytes.readUInt32LE(bytes.length - 22 + 16)
const changed = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = whole()
  change(bytes)
  return bytes
}
const odd: [string, () => Buffer][] = [
  ['is empty', () => Buffer.alloc(0)],
  ['consists of random bytes', () => Buffer.from('x'.repeat(1000))],
  ['is truncated', () => whole().subarray(0, 300)],
  ['has a directory that lies beyond its end', () => changed((b) => b.writeUInt32LE(0xfffffff0, b.length - 22 + 16))],
  ['has a directory that is longer than the file', () => changed((b) => b.writeUInt32LE(0xfffffff0, b.length - 22 + 12))],
  ['claims more entries than it has', () => changed((b) => b.writeUInt16LE(5000, b.length - 22 + 10))],
  ['has a name that is longer than its directory', () => changed((b) => b.writeUInt16LE(0xffff, directory(b) + 28))],
  ['has an entry that lies beyond its end', () => changed((b) => b.writeUInt32LE(0xfffffff0, directory(b) + 42))],
  ['has an entry that unpacks to more than its claimed size', () => changed((b) => b.writeUInt32LE(10, directory(b) + 24))],
  ['has an entry that is longer than the file', () => changed((b) => b.writeUInt32LE(0xfffffff0, directory(b) + 20))],
  ['uses another compression method', () => changed((b) => b.writeUInt16LE(99, directory(b) + 10))],
  [
    'has a file and a folder with the same name',
    () => zip({ 'torch/lib/libc10.so': 'x', 'torch/include/a': 'x', 'torch/include/a/b': 'x' }),
  ],
  ['has a name that is too long for a disk', () => zip({ ...torch('2.13.0'), [`torch/include/${'x'.repeat(5000)}`]: 'x' })],
  ['has a name with a NUL byte', () => zip({ ...torch('2.13.0'), 'torch/include/a\0b': 'x' })],
  ['has entries outside its folder', () => zip({ '../../torch/lib/x.so': 'x', 'torch/include/../../../../x': 'x' })],
  ['holds no libtorch file', () => zip({ 'readme.txt': 'x' })],
]
test.each(odd)('a zip that %s is refused with a LIBTORCH_ code', async (_, make) => {
  const from = join(folder(), 'odd.zip')
  writeFileSync(from, make())
  const error = await setting({ from })
    .run()
    .then(
      () => expect.fail('it was accepted'),
      (error) => error,
    )
  expect(error).toMatchObject({ name: 'LvmError', code: expect.stringMatching(/^LIBTORCH_/), exit: 4 })
  expect(error.message.length).toBeLessThan(1000)
})
test('a folder whose name ends in .zip is refused with a code other than INTERNAL', async () => {
  const from = join(folder(), 'odd.zip')
  mkdirSync(from)
  await expect(setting({ from }).run()).rejects.toMatchObject({ name: 'LvmError', code: expect.not.stringMatching('INTERNAL') })
})

test('every wheel of the GPU variant has a pinned hash, and a wheel with another hash is refused', async () => {
  for (const name of ['linux-x64', 'linux-arm64']) {
    const { wheels, cuda } = PLATFORMS[name]!
    expect(cuda!.length).toBeGreaterThan(10)
    for (const { sha256 } of [...wheels, ...cuda!]) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set(cuda!.map(({ sha256 }) => sha256)).size).toBe(cuda!.length)
  }
  const { folder: from, platform } = wheels()
  const bytes = zip({ 'nvidia/cu13/lib/libcublas.so.13': 'cublas' })
  writeFileSync(join(from, 'nvidia_cublas-1.0-py3-none-any.whl'), bytes)
  const cuda = [{ name: 'nvidia-cublas', version: '1.0', bytes: bytes.length, sha256: '0'.repeat(64) }]
  const refused = setting({ from, variant: 'cuda', platform: { ...platform, cuda }, free: async () => 1e12 }).run()
  if (process.platform === 'linux')
    await expect(refused).rejects.toMatchObject({
      code: 'LIBTORCH_FETCH',
      message: expect.stringContaining('nvidia-cublas 1.0 with SHA-256 000'),
    })
  else await expect(refused).rejects.toMatchObject({ code: 'BAD_OPTION' })
  expect(library('c10')).toMatch(/c10/)
})
