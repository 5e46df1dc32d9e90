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
