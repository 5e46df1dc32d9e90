import { chmodSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findLibtorch, search } from '../../lib/libtorch/find.js'
import { inspect, library } from '../../lib/libtorch/inspect-libtorch.js'
import { cacheRoot, packageRoot } from '../../lib/libtorch/paths.js'
import { LIBTORCH_PACKAGE } from '../../lib/libtorch/pins.js'
import { files, folder, torch } from './fake.js'

const libtorch = (version = '2.13.0') => join(files(folder(), torch(version)), 'torch')
/** A cache with one installed variant. */
const cache = (version = '2.13.0') => {
  const root = folder()
  const own = Object.fromEntries(Object.entries(torch(version)).map(([name, text]) => [name.replace(/^torch\//, ''), text]))
  files(join(root, 'lvm-torch', 'libtorch'), { active: `${version}-cpu\n` })
  files(join(root, 'lvm-torch', 'libtorch', `${version}-cpu`), own)
  return root
}
const python = (answer: string) => {
  const path = join(folder(), 'python')
  writeFileSync(path, `#!/bin/sh\n${answer}\n`)
  chmodSync(path, 0o755)
  return path
}
const tried = (env: Record<string, string>) => search(env).tried.map(({ source, verdict }) => [source, verdict])

describe('the search for libtorch', () => {
  test('LVM_TORCH_LIBTORCH comes first and ends the search', () => {
    const env = { LVM_TORCH_LIBTORCH: libtorch(), LVM_TORCH_USE_PYTORCH: '/no/python', LVM_TORCH_CACHE: cache() }
    expect(search(env).libtorch).toMatchObject({ path: env.LVM_TORCH_LIBTORCH, version: '2.13.0+cu130', headers: true })
    expect(tried(env)).toEqual([['LVM_TORCH_LIBTORCH', 'usable']])
  })

  test('LVM_TORCH_USE_PYTORCH comes second and finds torch without importing it', () => {
    const torch = libtorch()
    const env = { LVM_TORCH_USE_PYTORCH: python(`echo ${torch}`), LVM_TORCH_CACHE: cache() }
    expect(search(env).libtorch?.path).toBe(torch)
    expect(tried(env)).toEqual([
      ['LVM_TORCH_LIBTORCH', 'not set'],
      ['LVM_TORCH_USE_PYTORCH', 'usable'],
    ])
  })

  test('LVM_TORCH_USE_PYTORCH accepts a path relative to the working folder', () => {
    const torch = libtorch()
    const path = relative(process.cwd(), python(`echo ${torch}`))
    expect(search({ LVM_TORCH_USE_PYTORCH: path, LVM_TORCH_CACHE: cache() }).libtorch?.path).toBe(torch)
  })

  test('the installed variant comes third', () => {
    const env = { LVM_TORCH_CACHE: cache() }
    expect(search(env).libtorch?.path).toBe(join(env.LVM_TORCH_CACHE, 'lvm-torch/libtorch/2.13.0-cpu'))
    expect(tried(env).at(-1)).toEqual(['installed', 'usable'])
  })

  test('a package of this platform beside lvm-torch comes fourth', () => {
    const env = { LVM_TORCH_CACHE: folder() }
    const app = folder()
    const own = files(join(app, 'node_modules', LIBTORCH_PACKAGE), {
      'package.json': JSON.stringify({ name: LIBTORCH_PACKAGE, version: '2.13.0' }),
      'variant.json': JSON.stringify({ version: '2.13.0+cu130', variant: 'cpu' }),
      [join('lib', library('torch_cpu'))]: '',
    })
    const root = join(app, 'node_modules', 'lvm-torch')
    expect(search(env, root).libtorch).toMatchObject({ path: own, version: '2.13.0+cu130', headers: false })
    expect(search(env, root).tried.map(({ verdict }) => verdict)).toEqual([
      'not set',
      'not set',
      'nothing is installed',
      'usable',
    ])
    expect(search(env, folder()).libtorch).toBeUndefined()
    writeFileSync(join(own, 'variant.json'), JSON.stringify({ version: '2.12.0', variant: 'cpu' }))
    expect(search(env, root).tried.at(-1)?.verdict).toMatch(/its version is 2\.12\.0/)
  })

  test('a search that finds no libtorch lists all locations and all fixes', () => {
    const env = { LVM_TORCH_CACHE: folder() }
    expect(() => findLibtorch(env)).toThrow(
      expect.objectContaining({
        code: 'LIBTORCH_MISSING',
        exit: 4,
        message: expect.stringMatching(
          /LVM_TORCH_LIBTORCH: not set\n.*LVM_TORCH_USE_PYTORCH: not set\n.*installed .*: nothing is installed\n.*platform package/,
        ),
        hint: expect.stringMatching(
          /libtorch install\n.*npm install @lvm-torch\/libtorch-.*\n.*--from(.|\n)*LVM_TORCH_USE_PYTORCH=1(.|\n)*LVM_TORCH_LIBTORCH=/,
        ),
      }),
    )
  })
})

describe('an unusable libtorch', () => {
  test.each([
    ['a missing folder', () => '/no/such/folder', /there is no such folder/, 'LIBTORCH_MISSING'],
    ['an empty folder', folder, /it holds no lib/, 'LIBTORCH_MISSING'],
    [
      'a libtorch of unknown version',
      () => files(folder(), { ...torch('2.13.0'), 'torch/version.py': '' }),
      /its version is unknown/,
      'LIBTORCH_MISMATCH',
    ],
  ])('%s in LVM_TORCH_LIBTORCH ends the search even when a libtorch is installed', (_, path, verdict, code) => {
    const env = { LVM_TORCH_LIBTORCH: path(), LVM_TORCH_CACHE: cache() }
    expect(tried(env)).toEqual([['LVM_TORCH_LIBTORCH', expect.stringMatching(verdict)]])
    expect(() => findLibtorch(env)).toThrow(
      expect.objectContaining({ code, hint: expect.stringContaining('unset LVM_TORCH_LIBTORCH') }),
    )
  })

  test.each([['2.11.0'], ['2.15.0'], ['2.1.30']])(
    'libtorch version %s is refused as a mismatch that names both versions',
    (version) => {
      const env = { LVM_TORCH_CACHE: cache(version) }
      expect(() => findLibtorch(env)).toThrow(
        expect.objectContaining({
          code: 'LIBTORCH_MISMATCH',
          exit: 4,
          message: expect.stringMatching(`2.13.0.*${version}`),
          hint: expect.stringContaining('libtorch install'),
        }),
      )
      expect(findLibtorch({ ...env, LVM_TORCH_ANY_VERSION: '1' }).version).toContain(version)
    },
  )

  test('a patch release of the pinned libtorch is accepted', () =>
    expect(inspect(libtorch('2.13.1'), {})).toMatchObject({ version: '2.13.1+cu130' }))

  test.each([['echo'], ['exit 1']])('a Python without torch (%s) is reported as unusable', (script) => {
    const env = { LVM_TORCH_USE_PYTORCH: python(script), LVM_TORCH_CACHE: cache() }
    expect(tried(env).at(-1)).toEqual(['LVM_TORCH_USE_PYTORCH', 'this Python does not run, or has no torch'])
  })
})

describe('paths', () => {
  test.skipIf(process.platform !== 'linux')(
    'an empty, relative or missing HOME or XDG_CACHE_HOME does not move the cache into the working folder',
    () => {
      const own = join(userInfo().homedir, '.cache', 'lvm-torch')
      for (const env of [
        {},
        { HOME: '' },
        { HOME: '.' },
        { HOME: '', XDG_CACHE_HOME: '' },
        { XDG_CACHE_HOME: 'cache' },
        { XDG_CACHE_HOME: './c', HOME: 'x' },
      ])
        expect(cacheRoot(env), JSON.stringify(env)).toBe(own)
      expect(cacheRoot({ HOME: '/me', XDG_CACHE_HOME: 'relative' })).toBe('/me/.cache/lvm-torch')
      expect(cacheRoot({ LVM_TORCH_CACHE: 'here' })).toBe(join(process.cwd(), 'here', 'lvm-torch'))
    },
  )
  test('the cache follows LVM_TORCH_CACHE', () => expect(cacheRoot({ LVM_TORCH_CACHE: '/big' })).toBe(join('/big', 'lvm-torch')))
  test.runIf(process.platform === 'linux')('without LVM_TORCH_CACHE the cache follows the conventions of the system', () =>
    expect(cacheRoot({ XDG_CACHE_HOME: '/x' })).toBe('/x/lvm-torch'),
  )
  test('packageRoot finds the folder of the package', () => expect(packageRoot()).toBe(process.cwd()))
})
