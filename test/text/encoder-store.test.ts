import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cachedEncoders, encodersRoot, resolveEncoder } from '../../lib/text/hub/encoder-store.js'

let folder: string
let env: { LVM_TORCH_CACHE: string }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lvm-encoders-'))
  env = { LVM_TORCH_CACHE: folder }
})
afterEach(() => rmSync(folder, { recursive: true }))

function cached(name: string, commit: string, fetched_at: string): string {
  const entry = join(encodersRoot(env), `${name.replace('/', '--')}--${commit.slice(0, 12)}`)
  const path = join(entry, name.split('/')[1]!)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(entry, 'fetched.json'), JSON.stringify({ name, revision: 'main', commit, fetched_at }))
  return path
}

test('an encoder is found by its full name, its short name and its commit, and the newest one without a commit', () => {
  const old = cached('us/small', 'a'.repeat(40), '2026-01-01')
  const now = cached('us/small', 'b'.repeat(40), '2026-02-01')
  expect(resolveEncoder('us/small', env)).toBe(now)
  expect(resolveEncoder('small', env)).toBe(now)
  expect(resolveEncoder('small@main', env)).toBe(now)
  expect(resolveEncoder('us/small@aaaaaaa', env)).toBe(old)
  expect(cachedEncoders(env).map((one) => one.path)).toEqual([now, old])
})

test('a folder passes through, also when an encoder in the cache has its name', () => {
  cached('us/small', 'a'.repeat(40), '2026-01-01')
  const here = join(folder, 'small')
  mkdirSync(here)
  expect(resolveEncoder(here, env)).toBe(here)
})

test('an encoder that is not there is refused with the command that fetches it', () => {
  expect(() => resolveEncoder('us/small', env)).toThrow(
    expect.objectContaining({ code: 'ENCODER_MISSING', commandHint: expect.stringContaining('encoders fetch us/small') }),
  )
  expect(() => resolveEncoder('all-MiniLM-L6-v2', env)).toThrow(
    expect.objectContaining({ commandHint: expect.stringContaining('encoders fetch sentence-transformers/all-MiniLM-L6-v2;') }),
  )
  cached('us/small', 'a'.repeat(40), '2026-01-01')
  expect(() => resolveEncoder('us/small@v2', env)).toThrow(/there is us\/small@aaaaaaa/)
})

test('a short name of two owners is refused with both names', () => {
  cached('us/small', 'a'.repeat(40), '2026-01-01')
  cached('them/small', 'a'.repeat(40), '2026-01-01')
  expect(() => resolveEncoder('small', env)).toThrow(/one of them\/small, us\/small/)
})

test('a path without a folder and a file in place of a folder are refused as paths', () => {
  for (const path of ['./none', '/no/such/folder', 'a/b/c', 'none/'])
    expect(() => resolveEncoder(path, env)).toThrow(expect.objectContaining({ code: 'FILE_MISSING' }))
  const file = join(folder, 'model.safetensors')
  writeFileSync(file, '')
  expect(() => resolveEncoder(file, env)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
})

test('an unfinished fetch is no encoder, and a damaged description is named', () => {
  mkdirSync(join(encodersRoot(env), 'us--small--abc.part'), { recursive: true })
  expect(cachedEncoders(env)).toEqual([])
  mkdirSync(join(encodersRoot(env), 'us--small--abc'))
  writeFileSync(join(encodersRoot(env), 'us--small--abc', 'fetched.json'), '{')
  expect(() => cachedEncoders(env)).toThrow(expect.objectContaining({ code: 'ENCODER_MISMATCH' }))
})
