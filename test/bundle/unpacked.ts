import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addonPath, loaderPath } from '../../lib/libtorch/load-libtorch.js'
import { train } from '../../lib/train/train.js'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Trains a small run on the sample for three steps; returns its folder. */
export async function tinyRun(out: string, name: string, seed = 0): Promise<string> {
  const data = join(root, 'data/sample/factbook')
  for await (const _ of train({ model: 'lstm', width: 16, data, epochs: 1, maxSteps: 3, name, out, seed, threads: 1 })) {
  }
  return join(out, name)
}

/** Unpacks a bundle with the tar of the system into a new folder. */
export function unpack(archive: string, folder: string): string {
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', archive, '-C', folder])
  return folder
}

/** Makes a folder that passes for a libtorch of a few kilobytes: its libraries are copies of one that needs only the system's. */
export function smallLibtorch(folder: string): string {
  mkdirSync(join(folder, 'lib'), { recursive: true })
  const libraries = ['libtorch_cpu.so', 'libc10.so', 'libtorch_cuda.so']
  for (const name of libraries) copyFileSync(loaderPath(addonPath(root)), join(folder, 'lib', name))
  writeFileSync(join(folder, 'version.py'), "__version__ = '2.13.0'\n")
  return folder
}
