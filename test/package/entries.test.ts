import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-entries-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
let tarball: Buffer
beforeAll(() => {
  const options = ['--json', '--ignore-scripts', '--pack-destination', scratch]
  const [{ filename }] = Object.values<{ filename: string }>(
    JSON.parse(execFileSync('npm', ['pack', ...options], { encoding: 'utf8', stdio: 'pipe' })),
  ) as [{ filename: string }]
  tarball = readFileSync(join(scratch, filename))
})

test('attw finds the types of every entry for import and require, with node16, nodenext and bundlers', async () => {
  const result = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)))
  expect('problems' in result ? result.problems : 'no types').toEqual([])
})

test('publint finds nothing wrong with the packed package', async () => {
  const content = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) as ArrayBuffer
  const { messages } = await publint({ pack: { tarball: content }, strict: true })
  expect(messages).toEqual([])
})
