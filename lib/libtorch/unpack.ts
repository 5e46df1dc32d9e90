import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Member } from './archive.js'

/** Set of libraries to install. */
export type Variant = 'cpu' | 'cuda'

const LIBRARY = /\.(so(\.\d+)*|dylib|dll)$|^(c10|torch_cpu|c10_cuda|torch_cuda)\.lib$/
const PYTHON = /^(lib)?(torch|torch_python|torch_global_deps|shm)\.\w+$/
const CUDA = /cuda|cudnn|cublas|cufft|curand|cusparse|cusolver|nvrtc|nvshmem|nvjit|nccl|nvtx/
const RUNTIME = /^lib(cudart|cupti)[-.]/

const wanted = (file: string, variant: Variant) =>
  LIBRARY.test(file) && !PYTHON.test(file) && (variant === 'cuda' || RUNTIME.test(file) || !CUDA.test(file))

/** Target path of a member of a torch wheel, an NVIDIA wheel or a libtorch zip; undefined when it is not needed. */
export function place(member: string, variant: Variant): string | undefined {
  const own = /^(?:lib)?torch\/(include\/.+|lib\/[^/]+|version\.py|build-version)$/.exec(member)?.[1]
  if (member.endsWith('/') || member.split('/').includes('..')) return undefined
  if (own?.startsWith('lib/')) return wanted(own.slice(4), variant) ? own : undefined
  if (own !== undefined) return own
  if (/^torch-[^/]+\.dist-info\/licenses\/LICENSE$/.test(member)) return 'LICENSE'
  const file = /^nvidia\/(?:.+\/)?(?:lib|bin)\/([^/]+)$/.exec(member)?.[1]
  return file !== undefined && (variant === 'cuda' ? LIBRARY : RUNTIME).test(file) ? `lib/${file}` : undefined
}

/** Unpacks the needed members below `folder`; returns the SHA-256 of every file by path; `written` receives the bytes so far. */
export async function unpack(
  members: readonly Member[],
  folder: string,
  variant: Variant,
  written: (bytes: number) => void = () => {},
): Promise<Map<string, string>> {
  const sums = new Map<string, string>()
  let total = 0
  const made = new Set<string>()
  for (const member of members) {
    const path = place(member.name, variant)
    if (path === undefined) continue
    const target = join(folder, path)
    if (!made.has(dirname(target))) mkdirSync(dirname(target), { recursive: true })
    made.add(dirname(target))
    const hash = createHash('sha256')
    // Synchronous, because waiting for each write of 9,000 small headers would take twice as long.
    const file = openSync(target, 'w')
    try {
      for await (const chunk of member.chunks()) {
        hash.update(chunk)
        writeFileSync(file, chunk)
        total += chunk.length
        written(total)
      }
    } finally {
      closeSync(file)
    }
    sums.set(path, hash.digest('hex'))
  }
  return sums
}
