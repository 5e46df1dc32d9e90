import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from './run.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-mapped-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'table')
const answers = [1, 2, 3, 4].map((threads) => `DATA_CHANGED with ${threads}\n`).join('')

describe.runIf(process.platform !== 'win32')('a mapped file that is truncated while four threads read it', () => {
  test('a truncated mapped file is DATA_CHANGED in every thread that reads it, and each keeps its thread count', async () => {
    writeFileSync(path, Buffer.alloc(1 << 22, 1))
    expect(await run('mapped-file.mjs', [path])).toEqual({ code: 0, signal: null, out: answers, err: '' })
  })
  test('a SIGBUS that another process sends still ends this one while a mapped file is truncated', async () => {
    writeFileSync(path, Buffer.alloc(1 << 22, 1))
    expect(await run('mapped-file.mjs', [path, 'SIGBUS'])).toEqual({ code: null, signal: 'SIGBUS', out: answers, err: '' })
  })
})
