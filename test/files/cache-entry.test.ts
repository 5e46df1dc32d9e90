import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { joinBytes, readEntry, writeEntry } from '../../lib/files/cache-entry.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvm-cache-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const MOST = 1e6
const bytesOf = (...numbers: number[]) => joinBytes([Float64Array.from(numbers)])
const entryFiles = () => readdirSync(folder).filter((name) => name.endsWith('.cache'))
const numbersOf = async (key: string) => {
  const entry = await readEntry<{ name: string }>(folder, key)
  return entry && { ...entry.about, numbers: [...new Float64Array(entry.bytes.buffer)] }
}
const write = (key: string, ...numbers: number[]) =>
  writeEntry(folder, key, { about: { name: key }, bytes: bytesOf(...numbers) }, MOST)

it('an entry is read back under its key only', async () => {
  expect(await numbersOf('a')).toBeUndefined()
  await write('a', 1, Math.PI)
  await write('b')
  expect(await numbersOf('a')).toEqual({ name: 'a', numbers: [1, Math.PI] })
  expect(await numbersOf('b')).toEqual({ name: 'b', numbers: [] })
  expect(await numbersOf('c')).toBeUndefined()
})
it('an entry that is cut short, damaged or of another key is as good as none', async () => {
  await write('a', 1, 2, 3)
  const path = join(folder, entryFiles()[0]!)
  const whole = readFileSync(path)
  for (const length of [0, 10, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, length))
    expect(await numbersOf('a')).toBeUndefined()
  }
  const flipped = Uint8Array.from(whole)
  flipped[flipped.length - 3]! ^= 1
  writeFileSync(path, flipped)
  expect(await numbersOf('a')).toBeUndefined()
  writeFileSync(path, whole.toString('latin1').replace('"name":"a"', '"name":"b"'), 'latin1')
  expect(await numbersOf('a')).toBeUndefined()
  writeFileSync(path, whole.toString('latin1').replace('"key":"a"', '"key":"b"'), 'latin1')
  expect(await numbersOf('a')).toBeUndefined()
  await write('a', 4)
  expect(await numbersOf('a')).toEqual({ name: 'a', numbers: [4] })
})
it('the entries read longest ago are removed first when a folder grows too large', async () => {
  const bytes = new Uint8Array(1000)
  for (const key of ['a', 'b', 'c']) await writeEntry(folder, key, { about: {}, bytes }, 5000)
  for (const [i, name] of entryFiles().entries()) utimesSync(join(folder, name), i, i) // long ago
  await readEntry(folder, 'a')
  for (const key of ['d', 'e']) await writeEntry(folder, key, { about: {}, bytes }, 3600)
  const left = []
  for (const key of ['a', 'b', 'c', 'd', 'e']) if ((await readEntry(folder, key)) !== undefined) left.push(key)
  expect(left).toEqual(['a', 'd', 'e'])
  expect(entryFiles().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThanOrEqual(3600)
  await writeEntry(folder, 'f', { about: {}, bytes: new Uint8Array(1801) }, 3600)
  expect(await readEntry(folder, 'f')).toBeUndefined()
})
it('a folder that cannot be written loses nothing but the entry', async () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  await writeEntry(file, 'a', { about: {}, bytes: bytesOf(1) }, MOST)
  expect(await readEntry(file, 'a')).toBeUndefined()
})
it('writers at once, one of them killed, leave whole entries and no temporary files', async () => {
  const module = fileURLToPath(new URL('../../dist/lib/files/cache-entry.js', import.meta.url))
  const script = `const { writeEntry } = await import(${JSON.stringify(module)})
    process.stdout.write('begun')
    for (let i = 0; ; i++) await writeEntry(${JSON.stringify(folder)}, 'k' + (i % 4), { about: { i }, bytes: new Uint8Array(300_000).fill(i) }, 1e6)`
  const children = Array.from({ length: 2 }, () => spawn(process.execPath, ['--input-type=module', '--eval', script]))
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')))
  const ended = children.map((child) => once(child, 'exit'))
  for (let i = 0; i < 60; i++) {
    const found = await readEntry<{ i: number }>(folder, `k${i % 4}`)
    if (found !== undefined) expect(found.bytes.every((byte) => byte === (found.about.i & 255))).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (i === 30) children[0]!.kill('SIGKILL')
  }
  children[1]!.kill('SIGKILL')
  await Promise.all(ended)
  await write('last', 1) // sweeps what killed writers left
  expect(readdirSync(folder).filter((name) => !name.endsWith('.cache'))).toEqual([])
})
