import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { findLibtorch } from '../../lib/libtorch/find.js'
import { files, folder, torch } from './fake.js'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))

/** A command line with an empty cache. */
function shell(more: Record<string, string> = {}) {
  const cache = folder()
  const { LVM_TORCH_LIBTORCH: _, LVM_TORCH_USE_PYTORCH: __, ...env } = process.env
  const lvm = (...words: string[]) =>
    spawnSync(process.execPath, [cli, ...words], {
      encoding: 'utf8',
      env: { ...env, LVM_TORCH_CACHE: cache, NO_COLOR: '1', ...more },
    })
  return { cache, lvm }
}
const events = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('libtorch', () => {
  test('libtorch install, list, info, use, verify and remove work as text and as JSON', () => {
    const from = files(folder(), torch('2.13.0'))
    const { cache, lvm } = shell()
    const path = join(cache, 'lvm-torch', 'libtorch', '2.13.0-cpu')

    const installing = lvm('libtorch', 'install', '--from', from)
    expect([installing.status, installing.stderr.trim()]).toEqual([
      0,
      expect.stringMatching(/^unpacking libtorch \(cpu\) \(\d+.*\)$/),
    ])
    expect(installing.stdout).toMatch(`libtorch is installed: 2.13.0-cpu (`)
    expect(installing.stdout).toContain(path)
    expect(lvm('libtorch', 'install').stdout).toMatch('libtorch was already installed: 2.13.0-cpu')

    const again = events(lvm('libtorch', 'install', 'cpu', '--force', '--from', from, '--json').stdout)
    expect(again[0]).toMatchObject({
      type: 'progress',
      version: 1,
      phase: 'unpack',
      done_bytes: expect.any(Number),
      total_bytes: expect.any(Number),
    })
    expect(again.at(-1)).toMatchObject({
      type: 'result',
      version: 1,
      already: false,
      libtorch: { name: '2.13.0-cpu', path, version: '2.13.0+cu130' },
    })

    expect(lvm('libtorch', 'list').stdout).toMatch(/2\.13\.0-cpu +2\.13\.0\+cu130 +.* +yes +usable/)
    expect(JSON.parse(lvm('libtorch', 'list', '--json').stdout)).toMatchObject({
      version: 1,
      installed: [{ name: '2.13.0-cpu', active: true }],
    })
    expect(lvm('libtorch', 'info').stdout).toContain(`libtorch 2.13.0+cu130 (cpu) in ${path}`)
    expect(JSON.parse(lvm('libtorch', 'info', '--json').stdout)).toMatchObject({
      libtorch: { path, headers: true },
      tried: [{ verdict: 'not set' }, { verdict: 'not set' }, { source: 'installed', path, verdict: 'usable' }],
    })
    expect(JSON.parse(lvm('libtorch', 'use', 'cpu', '--json').stdout)).toMatchObject({
      libtorch: { name: '2.13.0-cpu', active: true },
    })

    expect(JSON.parse(lvm('libtorch', 'verify', '--json').stdout)).toEqual({ version: 1, name: '2.13.0-cpu', files: 6, ok: true })
    writeFileSync(join(path, 'lib', 'libgomp.so.1'), 'damaged')
    const damaged = lvm('libtorch', 'verify')
    expect([damaged.status, damaged.stdout]).toEqual([4, ''])
    expect(damaged.stderr).toMatch(
      /LIBTORCH_MISMATCH: libtorch verify: 1 of 6 files.*libgomp\.so\.1\nfix: run: npx lvm-torch libtorch install cpu --force/,
    )

    expect(lvm('libtorch', 'remove', '2.13.0-cpu').stdout).toMatch(/^2\.13\.0-cpu is deleted/)
    expect(existsSync(path)).toBe(false)
    expect(lvm('libtorch', 'list').stdout).toContain('npx lvm-torch libtorch install')
  })

  test('libtorch list names the libtorch that is used although none is installed', () => {
    const { path } = findLibtorch()
    const { status, stdout } = shell({ LVM_TORCH_LIBTORCH: path }).lvm('libtorch', 'list')
    expect([status, stdout]).toEqual([0, expect.stringContaining('nothing is installed in the cache; libtorch 2.13.0')])
    expect(stdout).toContain(`in ${path} is used`)
    expect(shell().lvm('libtorch', 'list').stdout).toContain('without Python: npm install @lvm-torch/libtorch-')
  })

  test.each([
    [['info'], 4, /LIBTORCH_MISSING(.|\n)*nothing is installed(.|\n)*fix: /],
    [['verify'], 4, /LIBTORCH_MISSING: libtorch: nothing is installed/],
    [['install', 'rocm'], 2, /libtorch install: expected one of cpu, cuda for "variant" but received "rocm"/],
    [['install', '--from', '/no/such.whl'], 2, /FILE_MISSING.*"from".*\/no\/such\.whl/],
    [['instal'], 2, /did you mean install/],
    [['use'], 2, /<name> is missing/],
  ])('libtorch %j ends with exit code %i and an error message', (words, exit, message) => {
    const { status, stderr } = shell().lvm('libtorch', ...words)
    expect(stderr).toMatch(message)
    expect(status).toBe(exit)
  })
})

describe('doctor', () => {
  test('doctor --json reports a complete machine as usable', () => {
    const { status, stdout, stderr } = shell({ LVM_TORCH_LIBTORCH: findLibtorch().path }).lvm('doctor', '--json')
    expect([status, stderr]).toEqual([0, ''])
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({
      version: 1,
      usable: true,
      node: process.version,
      system: { platform: process.platform, arch: process.arch },
      cpu: { cores: expect.any(Number) },
      devices: expect.arrayContaining([expect.objectContaining({ name: 'cpu' })]),
      kernels: expect.any(String),
    })
    expect(found.libtorch[0]).toMatchObject({
      source: 'LVM_TORCH_LIBTORCH',
      used: true,
      verdict: expect.stringMatching(/^usable: computed in \d+ ms(, measured on a busy machine: .*)?$/),
    })
    expect(found.threads).toBeGreaterThan(0)
    expect(found.problems.filter((problem: { fatal: boolean }) => problem.fatal)).toEqual([])
  })

  test('doctor names a missing libtorch, pip, cmake and compiler, each with the command that fixes it', () => {
    const { status, stdout } = shell({ PATH: folder(), LVM_TORCH_USE_PYTORCH: '/no/python', CXX: '/no/compiler' }).lvm('doctor')
    expect(status).toBe(4)
    for (const name of ['npm', 'python3', 'pip', 'cmake', 'compiler'])
      expect(stdout).toMatch(new RegExp(`^${name} +not found$`, 'm'))
    expect(stdout).toMatch(/wrong: libtorch: expected libtorch 2\.13\.0(.|\n)*unset LVM_TORCH_USE_PYTORCH/)
    expect(stdout).toMatch(
      /note: python3 with pip, which libtorch install runs, .*\nfix: .*; or without Python: npm install @lvm-torch\/libtorch-/,
    )
    expect(stdout).toMatch(/training cannot start before this is fixed\n$/)
  })
})
