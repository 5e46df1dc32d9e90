import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'

/** A clone whose tools only record their calls. */
let clone: string
let env: Record<string, string>

const put = (name: string, text: string) => {
  mkdirSync(dirname(join(clone, name)), { recursive: true })
  writeFileSync(join(clone, name), text)
}
const tool = (name: string) => writeFileSync(join(clone, 'tools', name), '#!/bin/sh\n', { mode: 0o755 })
const bootstrap = (more: Record<string, string> = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/bootstrap.mjs'], {
    cwd: clone,
    env: { ...env, ...more },
    encoding: 'utf8',
  })
  const steps = [...stderr.matchAll(/^(.*): \d+\.\d s$/gm)].map((match) => match[1])
  return { status, stdout, stderr, steps }
}
const TSC = `
const { mkdirSync, writeFileSync } = require('fs')
mkdirSync('build/dist/bin', { recursive: true }); mkdirSync('build/dist/lib/libtorch', { recursive: true })
writeFileSync('build/dist/bin/lvm.js', "require('fs').writeFileSync('libtorch', '')")
writeFileSync('build/dist/lib/libtorch/find.js', \`
  const { existsSync } = require('fs')
  const libtorch = { path: '/lt', version: '2.13.0' }
  exports.search = () => ({ libtorch: existsSync('libtorch') && !process.env.LVM_TORCH_LIBTORCH ? libtorch : undefined })
  exports.findLibtorch = () => {
    if (exports.search().libtorch) return libtorch
    throw Object.assign(new Error('it is not there'), { code: 'LIBTORCH_MISSING', hint: 'put it there', exit: 4 })
  }\`)`
const BUILD = `import { mkdirSync, writeFileSync } from 'node:fs'
mkdirSync('build/Release', { recursive: true })
writeFileSync('build/Release/lvm_torch.node', '')`

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'lvm-torch-bootstrap-'))
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }))
  for (const folder of ['scripts', 'tools', 'lib', 'bin', 'native', 'cmake']) mkdirSync(join(clone, folder))
  copyFileSync(join(packageRoot(), 'scripts/bootstrap.mjs'), join(clone, 'scripts/bootstrap.mjs'))
  const lock = (version: string) =>
    JSON.stringify({ packages: { '': {}, 'node_modules/a': { version }, 'node_modules/b': { version: '1', optional: true } } })
  put('package-lock.json', lock('1'))
  put('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { version: '1' } } }))
  put('node_modules/typescript/bin/tsc', TSC)
  for (const name of ['tsconfig.json', 'tsconfig.build.json', 'CMakeLists.txt', 'lib/a.ts', 'native/a.cpp']) put(name, '')
  put('scripts/build.mjs', BUILD)
  for (const name of ['option-comments', 'bundle-packages', 'public-types']) put(`scripts/${name}.mjs`, '')
  writeFileSync(join(clone, 'tools', 'npm'), '#!/bin/sh\necho npm "$@"\n', { mode: 0o755 })
  symlinkSync(process.execPath, join(clone, 'tools', 'node'))
  for (const name of ['cmake', 'c++', 'make']) tool(name)
  env = { PATH: `${join(clone, 'tools')}` }
})

test('bootstrap compiles a fresh clone, gets libtorch and builds the addon, and does nothing the second time', () => {
  expect(bootstrap()).toMatchObject({ status: 0, steps: ['compiling TypeScript', 'getting libtorch', 'building the addon'] })
  expect(bootstrap()).toEqual({ status: 0, stdout: '', stderr: '', steps: [] })
})

test('bootstrap repeats only the steps whose inputs changed', () => {
  bootstrap()
  put('lib/a.ts', 'export {}')
  expect(bootstrap().steps).toEqual(['compiling TypeScript'])
  put('native/b.cpp', '// new')
  expect(bootstrap().steps).toEqual(['building the addon'])
  rmSync(join(clone, 'dist'), { recursive: true })
  expect(bootstrap().steps).toEqual(['compiling TypeScript'])
  rmSync(join(clone, 'build/Release'), { recursive: true })
  expect(bootstrap().steps).toEqual(['building the addon'])
  rmSync(join(clone, 'libtorch'))
  expect(bootstrap().steps).toEqual(['getting libtorch'])
})

test('bootstrap installs packages when node_modules differs from package-lock.json', () => {
  bootstrap()
  put('package-lock.json', readFileSync(join(clone, 'package-lock.json'), 'utf8').replace('"version":"1"', '"version":"2"'))
  expect(bootstrap()).toMatchObject({
    stdout: 'npm ci --no-audit --no-fund\n',
    steps: ['installing packages', 'compiling TypeScript'],
  })
})

test('bootstrap ends at a compile error and keeps the earlier dist', () => {
  bootstrap()
  put('node_modules/typescript/bin/tsc', 'process.exit(2)')
  put('lib/a.ts', 'export const')
  expect(bootstrap()).toMatchObject({ status: 2, steps: [] })
  expect(existsSync(join(clone, 'dist/bin/lvm.js'))).toBe(true)
  put('node_modules/typescript/bin/tsc', TSC)
  expect(bootstrap()).toMatchObject({ status: 0, steps: ['compiling TypeScript'] })
})

test.each([
  ['cmake', /expected cmake on the PATH.*\nfix: run: .*install.* cmake/],
  ['c++', /expected a C\+\+20 compiler \(c\+\+, g\+\+, clang\+\+\).*\nfix: run: /],
  ['make', /expected ninja or make.*\nfix: run: /],
])('bootstrap without %s prints the command that installs it', (name, message) => {
  rmSync(join(clone, 'tools', name))
  const { status, stderr } = bootstrap()
  expect(status).toBe(1)
  expect(stderr).toMatch(message)
})

test('bootstrap does not replace a missing libtorch that LVM_TORCH_LIBTORCH names', () => {
  const { status, stderr, steps } = bootstrap({ LVM_TORCH_LIBTORCH: '/nowhere' })
  expect([status, steps]).toEqual([4, ['compiling TypeScript']])
  expect(stderr).toContain('LIBTORCH_MISSING: it is not there\nfix: put it there\n')
})
