import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { onTestFinished, vi } from 'vitest'
import { library } from '../../lib/libtorch/inspect-libtorch.js'
import type { Platform } from '../../lib/libtorch/pins.js'

/** A temporary folder for one test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'lvm-torch-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Writes files by their path below a folder. */
export function files(root: string, contents: Readonly<Record<string, string | Buffer>>): string {
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  return root
}

/** A zip archive whose odd members are stored and even members deflated. */
export function zip(contents: Readonly<Record<string, string | Buffer>>): Buffer {
  const [locals, entries]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const [i, [name, content]] of Object.entries(contents).entries()) {
    const raw = Buffer.from(content)
    const packed = i % 2 === 0 ? deflateRawSync(raw) : raw
    const head = Buffer.alloc(26)
    head.writeUInt16LE(20, 0)
    head.writeUInt16LE(i % 2 === 0 ? 8 : 0, 4)
    head.writeUInt32LE(crc32(raw), 10)
    head.writeUInt32LE(packed.length, 14)
    head.writeUInt32LE(raw.length, 18)
    head.writeUInt16LE(Buffer.byteLength(name), 22)
    const where = Buffer.alloc(14)
    where.writeUInt32LE(offset, 10)
    // The extra field of the local header is longer than the directory's: readers must read both.
    const local = Buffer.from(head)
    local.writeUInt16LE(4, 24)
    locals.push(Buffer.from('PK\x03\x04'), local, Buffer.from(name), Buffer.alloc(4), packed)
    entries.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, where, Buffer.from(name))
    offset += 34 + Buffer.byteLength(name) + packed.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Object.keys(contents).length, 8)
  end.writeUInt16LE(Object.keys(contents).length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

export const torch = (version: string): Record<string, string> => ({
  [`torch/lib/${library('torch_cpu')}`]: `torch_cpu ${version} `.repeat(500),
  [`torch/lib/${library('c10')}`]: 'c10',
  'torch/lib/libgomp.so.1': 'gomp',
  'torch/lib/libtorch_cuda.so': 'cuda',
  'torch/lib/libtorch_python.so': 'python',
  'torch/include/ATen/ATen.h': '// ATen',
  'torch/include/torch/csrc/api/include/torch/torch.h': '',
  'torch/version.py': `__version__ = '${version}+cu130'\n`,
  'torch/nn/functional.py': 'pass',
  [`torch-${version}.dist-info/licenses/LICENSE`]: 'BSD',
})

/** A folder of small wheels, and a platform that pins them. */
export function wheels(version = '2.13.0'): { folder: string; torch: string; platform: Platform } {
  const made = {
    'nvidia-cuda-runtime': zip({ 'nvidia/cu13/lib/libcudart.so.13': 'cudart', 'nvidia/cu13/include/cuda.h': '' }),
    'nvidia-cuda-cupti': zip({ 'nvidia/cu13/lib/libcupti.so.13': 'cupti', 'nvidia/cu13/lib/libnvperf_host.so': 'perf' }),
    torch: zip(torch(version)),
  }
  const root = folder()
  const pinned = Object.entries(made).map(([name, bytes]) => {
    const wheel = { name, version: name === 'torch' ? version : '13.0.1', bytes: bytes.length }
    writeFileSync(join(root, `${name.replaceAll('-', '_')}-${wheel.version}-py3-none-any.whl`), bytes)
    return { ...wheel, sha256: createHash('sha256').update(bytes).digest('hex') }
  })
  return {
    folder: root,
    torch: join(root, `torch-${version}-py3-none-any.whl`),
    platform: { tags: ['any'], unpacked: 20_000, wheels: pinned },
  }
}

/** Puts a fake python3 first on the PATH; `script` runs when it is called as `python3 -m pip download … --dest $dest …`. */
export function python(script: string): void {
  const bin = folder()
  const text = `#!/bin/sh
if [ "$3" = --version ]; then echo pip 1; exit; fi
while [ "$1" != --dest ]; do shift; done
dest=$2
${script}
`
  writeFileSync(join(bin, 'python3'), text)
  chmodSync(join(bin, 'python3'), 0o755)
  vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`)
  onTestFinished(() => void vi.unstubAllEnvs())
}

/** The id of a process that has ended. */
export const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid
