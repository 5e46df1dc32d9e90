import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { findLibtorch } from '../../lib/libtorch/find.js'
import { inspect, type Libtorch, library } from '../../lib/libtorch/inspect-libtorch.js'
import { addonPath } from '../../lib/libtorch/load-libtorch.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { attempt, probe, trialKey } from '../../lib/libtorch/probe-libtorch.js'
import { files, folder } from './fake.js'

const libtorch = findLibtorch()

/** Runs a module in a child process; `dist` is the folder of the compiled library. */
function run(source: string, env: Record<string, string> = {}) {
  const dist = new URL('../../dist/lib/', import.meta.url)
  const code = `const dist = ${JSON.stringify(dist.href)};\n${source}`
  const options = { encoding: 'utf8', env: { ...process.env, LVM_TORCH_LIBTORCH: libtorch.path, ...env } } as const
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], options)
}
const mapped = `(await import('node:fs')).readFileSync('/proc/self/maps', 'utf8').includes('torch_cpu')`

/** A copy of the active libtorch in which `damage` writes libtorch_cpu. */
function damaged(damage: (path: string) => void): Libtorch {
  const root = files(folder(), { 'build-version': libtorch.version })
  mkdirSync(join(root, 'lib'))
  for (const name of readdirSync(join(libtorch.path, 'lib'))) {
    if (name !== library('torch_cpu')) symlinkSync(join(libtorch.path, 'lib', name), join(root, 'lib', name))
  }
  damage(join(root, 'lib', library('torch_cpu')))
  return inspect(root) as Libtorch
}
const truncated = () =>
  damaged((path) => {
    copyFileSync(join(libtorch.path, 'lib', library('torch_cpu')), path)
    truncateSync(path, 3_000_000)
  })

describe('loading', () => {
  test.runIf(process.platform === 'linux')('libtorch is loaded at the first use, not at the import', () => {
    const source = `
      const { native } = await import(dist + 'native.js')
      const before = ${mapped}
      const version = native.libtorchVersion()
      console.log(JSON.stringify([before, ${mapped}, version]))`
    const { stdout, stderr } = run(source)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([false, true, expect.stringMatching(/^2\.13\./)])
  })

  test('libtorch works in worker threads that start and end', () => {
    const source = `
      const { Worker } = await import('node:worker_threads')
      const work = 'import(' + JSON.stringify(dist + 'native.js') + ').then(({ native }) => process.stdout.write(native.libtorchVersion() + " "))'
      for (let round = 0; round < 3; round++) {
        await Promise.all([1, 2].map(() => new Promise((done) => new Worker(work, { eval: true }).on('exit', done))))
      }`
    const { status, stdout, stderr } = run(source)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout.trim().split(' ')).toHaveLength(6)
  })

  test('addonPath reports a package without an addon for this platform', () => {
    const root = files(folder(), { 'package.json': '{"name": "lvm-torch"}' })
    expect(() => addonPath(root)).toThrow(
      expect.objectContaining({ code: 'ADDON_MISSING', exit: 4, hint: expect.stringContaining('npm run build') }),
    )
  })

  test('a libtorch_cpu that is not a library is reported as an error and does not crash the process', () => {
    const broken = damaged((path) => writeFileSync(path, 'not a library'))
    const { status, stderr } = run(`(await import(dist + 'native.js')).native.threads()`, { LVM_TORCH_LIBTORCH: broken.path })
    expect(status).toBe(1)
    expect(stderr).toMatch(/LIBTORCH_MISMATCH/)
    expect(stderr).toMatch(/the system refused: .*invalid ELF header|the system refused/)
  })
})

describe('the trial in a child process', () => {
  test('the trial multiplies, runs a backward pass and lists the devices', () => {
    expect(attempt(libtorch, 'cpu')).toMatchObject({
      ok: true,
      libtorch: expect.stringMatching(/^2\.13\./),
      devices: expect.arrayContaining([expect.objectContaining({ name: 'cpu' })]),
    })
  })

  test('the trial reports a missing device as an error, not as a crash', () => {
    expect(attempt(libtorch, 'cuda:7')).toMatchObject({ ok: false, crashed: false, code: 'DEVICE_UNAVAILABLE' })
  })

  test.runIf(process.platform === 'linux')('a libtorch that crashes the trial is reported with the signal', () => {
    const broken = truncated()
    const message = expect.stringMatching(/died \(SIG[A-Z]+\), with libtorch 2\.13.* and Node v/)
    expect(attempt(broken, 'cpu')).toMatchObject({ ok: false, crashed: true, message })
    vi.stubEnv('LVM_TORCH_CACHE', folder())
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(() => probe(broken, addonPath(), 'cpu')).toThrow(
      expect.objectContaining({ code: 'LIBTORCH_MISMATCH', message, hint: expect.stringContaining('verify') }),
    )
  })

  test('a trial that cannot be started blames the process and not libtorch', () => {
    const node = process.execPath
    onTestFinished(() => void Object.assign(process, { execPath: node }))
    process.execPath = join(folder(), 'no-such-node')
    expect(attempt(libtorch, 'cpu')).toMatchObject({ ok: false, crashed: false, code: 'FILE_MISSING' })
  })

  test('the trial runs once for the same libtorch, Node, addon and device', () => {
    const cache = folder()
    vi.stubEnv('LVM_TORCH_CACHE', cache)
    onTestFinished(() => void vi.unstubAllEnvs())
    const began = performance.now()
    probe(libtorch, addonPath(), 'cpu')
    const trial = performance.now() - began
    const trials = join(cache, 'lvm-torch', 'trials')
    expect(readdirSync(trials)).toHaveLength(1)
    expect(JSON.parse(readFileSync(join(trials, readdirSync(trials)[0]!), 'utf8'))).toMatchObject({ version: 1, ok: true })
    const start = performance.now()
    for (let i = 0; i < 10; i++) probe(libtorch, addonPath(), 'cpu')
    expect((performance.now() - start) / 10).toBeLessThan(trial / 2)
    const other = join(folder(), 'lvm_torch.node')
    copyFileSync(addonPath(), other)
    probe(libtorch, other, 'cpu')
    expect(readdirSync(trials)).toHaveLength(2)
    rmSync(other)
  })

  test('the trial runs again when a library has changed, even with equal size and times', () => {
    const root = files(folder(), {
      'lib/libtorch_cpu.so': 'x'.repeat(3 << 20),
      'lib/libc10.so': 'y'.repeat(100),
      'lib/notes.txt': '',
    })
    const key = () => trialKey({ path: root, version: '2.13.0', variant: 'cpu', headers: false }, addonPath(), 'cpu')
    const damage = (name: string, at: number) => {
      const path = join(root, 'lib', name)
      const { atime, mtime } = statSync(path)
      const bytes = readFileSync(path)
      bytes[at]! ^= 1
      writeFileSync(path, bytes)
      utimesSync(path, atime, mtime)
    }
    const seen = new Set([key()])
    expect(key()).toBe([...seen][0])
    for (const [name, at] of [
      ['libtorch_cpu.so', 5],
      ['libtorch_cpu.so', (3 << 20) - 5],
      ['libtorch_cpu.so', 3 << 19],
      ['libc10.so', 50],
    ] as const) {
      damage(name, at)
      seen.add(key())
    }
    expect(seen.size).toBe(5)
    damage('libc10.so', 50) // undoes the damage
    writeFileSync(join(root, 'lib', 'notes.txt'), 'other')
    expect(
      JSON.parse(key())
        .flat()
        .filter((part: unknown) => String(part).endsWith('notes.txt')),
    ).toEqual([])
  })

  test('the script of the trial exists in dist', () => {
    expect(readdirSync(join(packageRoot(), 'dist/lib/torch'))).toContain('trial.js')
  })
})
