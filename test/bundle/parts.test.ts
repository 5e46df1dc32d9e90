import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { list } from 'tar'
import { afterAll, describe, expect, test } from 'vitest'
import type { Entry } from '../../lib/bundle/bundle-entries.js'
import { describeFiles } from '../../lib/bundle/bundle-manifest.js'
import { readElf } from '../../lib/bundle/elf.js'
import { neededLibraries } from '../../lib/bundle/needed-libraries.js'
import { placePackages } from '../../lib/bundle/place-packages.js'
import { reachedPackages } from '../../lib/bundle/reached-packages.js'
import { tarStream } from '../../lib/bundle/tar-stream.js'
import { findLibtorch } from '../../lib/libtorch/find.js'
import { addonPath, loaderPath } from '../../lib/libtorch/load-libtorch.js'

const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-parts-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(scratch, path)), { recursive: true })
  writeFileSync(join(scratch, path), text)
  return join(scratch, path)
}

describe.skipIf(process.platform !== 'linux')('libraries of a bundle', () => {
  const libraries = () => neededLibraries([addonPath(), loaderPath(addonPath())], join(findLibtorch().path, 'lib'))

  test('the NEEDED entries lead from the addon to libtorch_cpu and on, and to no CUDA kernels', async () => {
    const { shipped, system, versions } = await libraries()
    expect([...shipped.keys()]).toEqual(expect.arrayContaining(['libtorch_cpu.so', 'libc10.so']))
    expect([...shipped.keys()].join()).not.toMatch(/torch_cuda|c10_cuda|cudnn|cublas|torch_python/)
    expect(system).toContain('libc.so.6')
    expect(versions.GLIBC).toMatch(/^2\.\d+$/)
    expect(versions.GLIBCXX).toMatch(/^3\.4\.\d+$/)
  })
  test('the ELF reader agrees with readelf on names and versions', async () => {
    for (const path of [addonPath(), process.execPath]) {
      const elf = await readElf(path)
      const said = execFileSync('readelf', ['-dV', path], { encoding: 'utf8', maxBuffer: 1 << 28 })
      expect(elf?.needed).toEqual(Array.from(said.matchAll(/NEEDED.*\[(.+)\]/g), ([, name]) => name))
      const versions = Array.from(said.matchAll(/Name: (\S+) {2}Flags/g), ([, name]) => name)
      expect(elf?.versions).toEqual([...new Set(versions)].sort())
    }
  })
  test('a library that exists nowhere is an error that names it and the library that needs it', async () => {
    const missing = neededLibraries([addonPath()], scratch)
    await expect(missing).rejects.toMatchObject({ code: 'LIBTORCH_MISMATCH', message: /libtorch_cpu\.so|libc10\.so/ })
    await expect(neededLibraries([write('no.so', 'text'.repeat(99))], scratch)).rejects.toThrow('64-bit ELF')
  })
})

describe('packages of a bundle', () => {
  test('imports are followed through modules, and dynamic ones from the verbs and the server only', () => {
    write('dist/bin/lvm.js', "import yargs from 'yargs'\nconst later = () => import('./commands/plot.js')\n")
    write('dist/bin/commands/plot.js', "import 'plotter'\n")
    write('dist/bin/commands/serve.js', "const { serve } = await import('../../lib/index.js')\nexport const text = ' from '\n")
    write('dist/lib/index.js', "export {\n  serve,\n} from './serve/server.js'\nexport { draw } from './report/draw.js'\n")
    write('dist/lib/report/draw.js', "export const draw = () => import('charts')\nimport { readFileSync } from 'node:fs'\n")
    write('dist/lib/serve/server.js', "import { a } from '@scope/web/plugin'\nconst b = import('metrics')\nimport 'fs'\n")
    write('dist/lib/serve/engine-child.js', "const c = require('framing')\n")
    expect(reachedPackages(join(scratch, 'dist'), ['serve'])).toEqual(['@scope/web', 'framing', 'metrics', 'yargs'])
  })
  test('a package keeps the version of a dependency that it finds here', () => {
    const file = (path: string, version: string, dependencies = {}) =>
      write(`tree/node_modules/${path}/package.json`, JSON.stringify({ name: path.split('/').at(-1), version, dependencies }))
    file('a', '1.0.0', { c: '1' })
    file('a/node_modules/c', '1.0.0', { d: '2' })
    file('b', '1.0.0', { c: '2', a: '1' })
    file('c', '2.0.0', { d: '2' })
    file('d', '2.0.0')
    const placed = placePackages(['b', 'a'], join(scratch, 'tree')).map(({ target, version }) => `${target} ${version}`)
    expect(placed).toEqual(expect.arrayContaining(['node_modules/a 1.0.0', 'node_modules/b 1.0.0', 'node_modules/d 2.0.0']))
    expect(placed.filter((one) => /\/c /.test(one)).length).toBe(2)
    file('e', '1.0.0', { gone: '1' })
    expect(() => placePackages(['e'], join(scratch, 'tree'))).toThrow('expected package gone in node_modules')
  })
})

describe('the archive of a bundle', () => {
  const pack = async (entries: Entry[], out: string) => {
    const files = await describeFiles(entries, () => {})
    const pieces: Buffer[] = []
    for await (const piece of tarStream(entries, files)) pieces.push(piece)
    return write(out, Buffer.concat(pieces) as unknown as string)
  }
  test('an archive keeps long paths, empty files and permissions, and writes large equal files once, as GNU tar reads it', async () => {
    const big = write('big', 'x'.repeat(1 << 20))
    const long = `${'folder-with-a-long-name/'.repeat(14)}${'n'.repeat(120)}.txt`
    const entries: Entry[] = [
      { path: 'a/empty', from: { text: '' } },
      { path: 'a/first', from: { file: big } },
      { path: 'a/second', from: { file: big } },
      { path: 'serve', from: { text: '#!/bin/sh\n' }, executable: true },
      { path: long, from: { text: 'ü' } },
    ]
    const archive = await pack(entries, 'long.tar')
    const said = execFileSync('tar', ['-tvf', archive], { encoding: 'utf8' })
    expect(said).toContain(long)
    expect(said).toMatch(/^-rwxr-xr-x 0\/0 .* serve$/m)
    expect(said).toMatch(/^hrw-r--r-- .* a\/second link to a\/first$/m)
    execFileSync('tar', ['-xf', archive, '-C', scratch])
    expect(execFileSync('cat', [join(scratch, long)], { encoding: 'utf8' })).toBe('ü')
    const seen: string[] = []
    await list({ file: archive, onReadEntry: ({ path }) => seen.push(path) })
    expect(seen).toContain(long)
  })
  test('a file that changes while it is packed is an error', async () => {
    const entries: Entry[] = [{ path: 'a', from: { file: write('changing', 'before') } }]
    const files = await describeFiles(entries, () => {})
    write('changing', 'behind')
    await expect(async () => {
      for await (const _ of tarStream(entries, files)) {
      }
    }).rejects.toMatchObject({ code: 'DATA_CHANGED' })
  })
})
