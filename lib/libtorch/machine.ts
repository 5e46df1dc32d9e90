import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { apart } from './paths.js'

/** Text of a system file; undefined when it cannot be read. */
export const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Resource limits of this process. */
export interface Limits {
  /** CPU quota in processors; null without a quota. */
  readonly cpus: number | null
  readonly memory_bytes: number | null
  /** Version of cgroups in use; null without cgroups. */
  readonly cgroup: 1 | 2 | null
}

const positive = (value: number) => (Number.isFinite(value) && value > 0 && value < 2 ** 60 ? value : null)
const least = (values: (number | null)[]) => values.reduce((a, b) => (a === null ? b : b === null ? a : Math.min(a, b)), null)

/** Folders from a control group up to the root of its hierarchy; inside a container only the root may be visible. */
function hierarchy(mount: string, group: string): string[] {
  const folders = [mount]
  for (let path = group; path !== '/' && path !== '.'; path = dirname(path)) folders.unshift(join(mount, path))
  return folders.filter((folder) => existsSync(folder))
}

/** Folders of this process's control groups for a controller, and the version of cgroups. */
export function groupFolders(controller: 'cpu' | 'memory', root = '/'): { folders: string[]; cgroup: 1 | 2 } {
  const groups = (read(join(root, 'proc/self/cgroup')) ?? '').split('\n').map((line) => line.split(':'))
  const mount = join(root, 'sys/fs/cgroup')
  const unified = groups.find(([id]) => id === '0')?.[2]
  if (unified !== undefined && existsSync(join(mount, 'cgroup.controllers')))
    return { folders: hierarchy(mount, unified), cgroup: 2 }
  const group = groups.find(([, names]) => names?.split(',').includes(controller))?.[2]
  return { folders: group === undefined ? [] : hierarchy(join(mount, controller), group), cgroup: 1 }
}

/** The limits set by control groups: the smallest of this process's group and all its ancestors. */
export function limits(root = '/'): Limits {
  const { folders, cgroup } = groupFolders('cpu', root)
  const memories = groupFolders('memory', root).folders
  if (cgroup === 2) {
    const quota = folders.map((folder) => {
      const [allowed, period] = (read(join(folder, 'cpu.max')) ?? '').split(' ')
      return positive(Number(allowed) / Number(period))
    })
    const memory = memories.map((folder) => positive(Number(read(join(folder, 'memory.max')) ?? Number.NaN)))
    return { cpus: least(quota), memory_bytes: least(memory), cgroup: 2 }
  }
  const quota = folders.map((folder) =>
    positive(Number(read(join(folder, 'cpu.cfs_quota_us'))) / Number(read(join(folder, 'cpu.cfs_period_us')))),
  )
  const memory = memories.map((folder) => positive(Number(read(join(folder, 'memory.limit_in_bytes')))))
  return { cpus: least(quota), memory_bytes: least(memory), cgroup: quota.length + memory.length > 0 ? 1 : null }
}

// CPU features that decide which kernels libtorch and its libraries choose.
const KERNEL_FEATURES =
  /^(avx2|fma|f16c|avx512f|avx512bw|avx512vl|avx512_bf16|avx512_fp16|avx512_vnni|avx_vnni|amx_tile|amx_bf16|amx_int8|asimd|bf16|i8mm|sve|sve2)$/

/** Model, core count and relevant features of the processor. */
export function processor(): { model: string; cores: number; flags: string[] } {
  const info = read('/proc/cpuinfo') ?? ''
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1] ?? ''
  return {
    model: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    flags: flags.split(/\s+/).filter((flag) => KERNEL_FEATURES.test(flag)),
  }
}

/** The C library: `glibc 2.36`, `musl`, or null outside Linux. */
export function libc(): string | null {
  if (platform() !== 'linux') return null
  Object.assign(process.report, { excludeNetwork: true }) // without this the report asks the name server about every open socket
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`
}

/** First line of a program's version output, or null when it does not run. */
export function tool(program: string, args: readonly string[] = ['--version']): string | null {
  const options = { ...apart(), encoding: 'utf8', timeout: 20_000, shell: platform() === 'win32' } as const
  const { status, stdout } = spawnSync(program, args, options)
  return status === 0 ? (stdout.trim().split('\n')[0] ?? '') : null
}

/** Number of threads to start: available processors, limited by the CPU quota. */
export const usableThreads = (allowed: Limits): number =>
  Math.max(1, Math.min(availableParallelism(), Math.ceil(allowed.cpus ?? Infinity)))

/** Operating system, C library and memory of this machine. */
export const system = () => ({ platform: platform(), release: release(), arch: arch(), libc: libc(), memory_bytes: totalmem() })
