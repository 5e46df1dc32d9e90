import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { library } from '../../lib/libtorch/inspect-libtorch.js'
import { installed, pick, verify } from '../../lib/libtorch/libtorch-store.js'
import { files, folder, python, torch, wheels, zip } from './fake.js'
import { path, setting } from './setting.js'

describe('an installation of libtorch', () => {
  test('install unpacks the CPU libraries, headers and version only, and leaves no temporary files', async () => {
    const { folder: from, platform } = wheels()
    const { store, seen, env, run } = setting({ from, platform })
    const done = await run()
    expect(done).toMatchObject({
      name: '2.13.0-cpu',
      version: '2.13.0+cu130',
      variant: 'cpu',
      pinned: true,
      already: false,
      active: true,
      verdict: 'usable',
    })
    const libraries = ['libcudart.so.13', 'libcupti.so.13', 'libgomp.so.1', library('c10'), library('torch_cpu')]
    expect(readdirSync(path(store, 'lib')).sort()).toEqual(libraries.sort())
    expect(readFileSync(path(store, 'include/ATen/ATen.h'), 'utf8')).toBe('// ATen')
    expect(readFileSync(path(store, 'LICENSE'), 'utf8')).toBe('BSD')
    expect(existsSync(path(store, 'nn'))).toBe(false)
    expect(readdirSync(store).sort()).toEqual(['2.13.0-cpu', 'active'])
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['check', 'unpack']))
    expect(seen.at(-1)).toMatchObject({ phase: 'unpack', done: done.bytes, total: done.bytes })
    expect(await verify('cpu', env)).toEqual({ name: '2.13.0-cpu', files: 9 })
  })

  test('a second install reports the existing installation and makes it the active one', async () => {
    const { folder: from, platform } = wheels()
    const { store, run } = setting({ from, platform })
    await run()
    writeFileSync(join(store, 'active'), 'another\n')
    expect(await run()).toMatchObject({ already: true, active: true })
  })

  test('install --force replaces the existing installation', async () => {
    const { folder: from, platform } = wheels()
    const { store, env, run } = setting({ from, platform })
    await run()
    writeFileSync(path(store, 'lib/libgomp.so.1'), 'damaged')
    await expect(verify(undefined, env)).rejects.toMatchObject({
      code: 'LIBTORCH_MISMATCH',
      message: expect.stringContaining('lib/libgomp.so.1'),
    })
    expect(await run({ force: true })).toMatchObject({ already: false })
    await verify(undefined, env)
    expect(readdirSync(store).sort()).toEqual(['2.13.0-cpu', 'active'])
  })

  test('install accepts a zip of the PyTorch site, a folder, and a Python with CUDA libraries beside its torch', async () => {
    const own = Object.fromEntries(
      Object.entries(torch('2.13.0')).flatMap(([name, text]) =>
        /^torch\/(lib|include)/.test(name) ? [[`lib${name}`, text]] : [],
      ),
    )
    const archive = join(
      files(folder(), { 'libtorch.zip': zip({ ...own, 'libtorch/build-version': '2.13.0+cpu' }) }),
      'libtorch.zip',
    )
    const python = files(folder(), { ...torch('2.13.0'), 'nvidia/cu13/lib/libcudart.so.13': 'cudart' })
    for (const [from, expected] of [
      [archive, '2.13.0+cpu'],
      [python, '2.13.0+cu130'],
      [join(python, 'torch'), '2.13.0+cu130'],
    ] as const) {
      const { store, run, env } = setting({ from })
      expect(await run()).toMatchObject({ version: expected, pinned: false })
      expect(readdirSync(path(store, 'lib'))).toContain(library('torch_cpu'))
      expect(existsSync(path(store, 'lib/libtorch_cuda.so'))).toBe(false)
      expect(existsSync(path(store, 'lib/libcudart.so.13'))).toBe(from !== archive)
      await verify(undefined, env)
    }
  })

  test('an archive cannot write outside its folder', async () => {
    const evil = { ...torch('2.13.0'), 'torch/include/../../../evil': 'evil', 'torch/lib/../../evil.so': 'evil' }
    const from = join(files(folder(), { 'libtorch.zip': zip(evil) }), 'libtorch.zip')
    const { store, run } = setting({ from })
    await expect(run()).rejects.toMatchObject({ code: 'LIBTORCH_FETCH', message: expect.stringContaining('evil') })
    const all = readdirSync(join(store, '..', '..'), { recursive: true }).map(String)
    expect(all.filter((name) => name.includes('evil'))).toEqual([])
  })
})

describe('a failed installation of libtorch', () => {
  test('install refuses a wheel with a flipped byte by its hash, and installs nothing', async () => {
    const { folder: from, torch: wheel, platform } = wheels()
    const bytes = readFileSync(wheel)
    bytes[100]! ^= 1
    writeFileSync(wheel, bytes)
    const { env, run } = setting({ from, platform })
    const wanted = platform.wheels.at(-1)!.sha256
    await expect(run()).rejects.toMatchObject({
      code: 'LIBTORCH_FETCH',
      exit: 4,
      message: expect.stringMatching(`${wanted}.*${wheel}`),
      hint: expect.stringContaining('torch==2.13.0'),
    })
    expect(installed(env)).toEqual([])
  })

  test.each([
    ['truncated', (zip: Buffer) => zip.subarray(0, zip.length - 30), /no end record|outside the file/],
    ['damaged inside', (zip: Buffer) => Buffer.from(zip).fill(0xff, 80, 90), /libtorch_cpu|torch_cpu/],
    ['no zip at all', () => Buffer.from('hello'), /no end record/],
  ])('install refuses a zip that is %s', async (_, damage, message) => {
    const from = join(files(folder(), { 'libtorch.zip': damage(zip(torch('2.13.0'))) }), 'libtorch.zip')
    const { env, run } = setting({ from })
    await expect(run()).rejects.toMatchObject({ code: 'LIBTORCH_FETCH', message: expect.stringMatching(message) })
    expect(installed(env)).toEqual([])
  })

  test('install refuses another version and names both, unless LVM_TORCH_ANY_VERSION is set', async () => {
    const from = files(folder(), torch('2.11.0'))
    const { run, env } = setting({ from })
    await expect(run()).rejects.toMatchObject({ code: 'LIBTORCH_MISMATCH', message: expect.stringMatching(/2\.13\.0.*2\.11\.0/) })
    expect(await run({ env: { LVM_TORCH_ANY_VERSION: '1' } })).toMatchObject({ name: '2.11.0-cpu' })
    expect(pick('2.11.0-cpu', env).verdict).toContain('its version is 2.11.0')
  })

  test('install reports too little disk space before it writes anything', async () => {
    const { folder: from, platform } = wheels()
    const { store, run } = setting({ from, platform, free: async () => 1000 })
    await expect(run()).rejects.toMatchObject({
      code: 'NO_DISK',
      exit: 2,
      message: expect.stringContaining(store),
      hint: expect.stringContaining('LVM_TORCH_CACHE'),
    })
    expect(readdirSync(store)).toEqual([])
  })

  test.each([
    ['a missing file', 'nowhere.whl', 'FILE_MISSING'],
    ['a folder without a libtorch', '.', 'LIBTORCH_FETCH'],
  ])('install --from refuses %s', async (_, name, code) => {
    const { run } = setting({ from: join(folder(), name) })
    await expect(run()).rejects.toMatchObject({ code, message: expect.stringContaining('"from"') })
  })
})

describe('pip', () => {
  test('install deletes the wheels that pip downloaded, unless asked to keep them', async () => {
    const { folder: from, platform } = wheels()
    python(`/bin/cp ${from}/$(echo "$3" | /usr/bin/tr - _ | /usr/bin/cut -d= -f1)-* "$dest"`)
    const { store, seen, run } = setting({ platform })
    expect(await run()).toMatchObject({ pinned: true, already: false })
    expect(readdirSync(store).sort()).toEqual(['2.13.0-cpu', 'active'])
    expect(seen.some(({ phase, what }) => phase === 'check' && what === 'torch 2.13.0')).toBe(true)
    await run({ force: true, keep: true })
    expect(readdirSync(join(store, 'downloads')).filter((name) => name.endsWith('.whl'))).toHaveLength(3)
    python('exit 1')
    await run({ force: true }) // uses the kept wheels
  })

  test('install names a downloaded file with the wrong hash and does not unpack it', async () => {
    const { folder: from, platform } = wheels()
    python(`for wheel in ${from}/*; do echo x >> $wheel; done; /bin/cp ${from}/* "$dest"`)
    const { store, run } = setting({ platform })
    await expect(run()).rejects.toMatchObject({
      code: 'LIBTORCH_FETCH',
      message: expect.stringContaining('SHA-256'),
      hint: expect.stringContaining('run the same command again'),
    })
    expect(existsSync(join(store, '2.13.0-cpu'))).toBe(false)
  })

  test('install downloads a truncated wheel again, which pip would treat as complete', async () => {
    const { folder: from, torch, platform } = wheels()
    python(`for wheel in ${from}/*; do [ -e "$dest/$(/usr/bin/basename $wheel)" ] || /bin/cp $wheel "$dest"; done`)
    const { store, run } = setting({ platform })
    files(join(store, 'downloads'), { [basename(torch)]: readFileSync(torch).subarray(0, 100) })
    expect(await run()).toMatchObject({ pinned: true })
  })

  test.each([
    [
      'no network',
      'echo "WARNING: Retrying: Failed to establish a new connection: Name or service not known" >&2; echo "ERROR: No matching distribution found for $3" >&2; exit 1',
      'LIBTORCH_FETCH',
      /network.*No matching distribution/,
      /--from/,
    ],
    [
      'a pip that is too old',
      'echo "ERROR: No matching distribution found for $3" >&2; exit 1',
      'LIBTORCH_FETCH',
      /pip refused/,
      /--upgrade pip/,
    ],
    ['a full disk', 'echo "OSError: [Errno 28] No space left on device" >&2; exit 1', 'NO_DISK', /disk became full/, /space/],
  ] as const)('install from pip reports %s', async (_, script, code, message, hint) => {
    python(script)
    const { run } = setting({ platform: wheels().platform })
    await expect(run()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })

  test('install distinguishes a missing Python from a Python without pip', async () => {
    const { run } = setting({ platform: wheels().platform })
    const bin = folder()
    vi.stubEnv('PATH', bin)
    onTestFinished(() => void vi.unstubAllEnvs())
    await expect(run()).rejects.toMatchObject({
      code: 'LIBTORCH_FETCH',
      message: expect.stringContaining('found no Python'),
      hint: expect.stringMatching(/install/),
    })
    writeFileSync(join(bin, 'python3'), '#!/bin/sh\necho "No module named pip" >&2; exit 1\n', { mode: 0o755 })
    await expect(run()).rejects.toMatchObject({ message: expect.stringContaining('python3 with pip but it has no pip') })
  })
})
