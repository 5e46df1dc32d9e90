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

/**
 * Where the hierarchy of a controller is mounted, and the group that is visible there; undefined without a mount table.
 *
 * Source: proc_pid_mountinfo(5): id, parent, device, root, mount point, options, …, "-", type, source, options of the file system
 */
function mounted(isType: (type: string, options: string[]) => boolean, root: string): { at: string; group: string } | undefined {
  const unescaped = (path: string) => path.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)))
  for (const line of (read(join(root, 'proc/self/mountinfo')) ?? '').split('\n')) {
    const [fields, rest] = line.split(' - ').map((part) => part.split(' ')) as [string[], string[]?]
    if (rest && isType(rest[0] ?? '', (rest[2] ?? '').split(',')))
      return { at: join(root, unescaped(fields[4] ?? '')), group: unescaped(fields[3] ?? '/') }
  }
  return undefined
}

/** The group below the one that a mount shows; a mount inside a container shows the container's own group. */
function below(shown: string, group: string): string {
  if (shown === '/') return group
  return group === shown || group.startsWith(`${shown}/`) ? group.slice(shown.length) || '/' : '/'
}

/** Folders of this process's control groups for a controller, and the version of cgroups. */
export function groupFolders(controller: 'cpu' | 'memory', root = '/'): { folders: string[]; cgroup: 1 | 2 } {
  const groups = (read(join(root, 'proc/self/cgroup')) ?? '').split('\n').map((line) => line.split(':'))
  const unified = groups
    .find(([id]) => id === '0')
    ?.slice(2)
    .join(':')
  const second = mounted((type) => type === 'cgroup2', root) ?? { at: join(root, 'sys/fs/cgroup'), group: '/' }
  const controllers = read(join(second.at, 'cgroup.controllers'))
  const group = groups
    .find(([, names]) => names?.split(',').includes(controller))
    ?.slice(2)
    .join(':')
  if (unified !== undefined && controllers !== undefined && group === undefined)
    return { folders: hierarchy(second.at, below(second.group, unified)), cgroup: 2 }
  const first = mounted((type, options) => type === 'cgroup' && options.includes(controller), root) ?? {
    at: join(root, 'sys/fs/cgroup', controller),
    group: '/',
  }
  return { folders: group === undefined ? [] : hierarchy(first.at, below(first.group, group)), cgroup: 1 }
}

/** Processors that a group's quota grants. */
function quota(folder: string, cgroup: 1 | 2): number | null {
  const [allowed, period] =
    cgroup === 2
      ? (read(join(folder, 'cpu.max')) ?? '').split(' ')
      : [read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us'))]
  return positive(Number(allowed) / Number(period))
}

/** The limits set by control groups: the smallest of this process's group and all its ancestors. */
export function limits(root = '/'): Limits {
  const [cpu, memory] = [groupFolders('cpu', root), groupFolders('memory', root)]
  const file = memory.cgroup === 2 ? 'memory.max' : 'memory.limit_in_bytes'
  return {
    cpus: least(cpu.folders.map((folder) => quota(folder, cpu.cgroup))),
    memory_bytes: least(memory.folders.map((folder) => positive(Number(read(join(folder, file)) ?? Number.NaN)))),
    cgroup: cpu.folders.length > 0 ? cpu.cgroup : memory.folders.length > 0 ? memory.cgroup : null,
  }
}

// CPU features that decide which kernels libtorch and its libraries choose.
const KERNEL_FEATURES =
  /^(avx2|fma|f16c|avx512f|avx512bw|avx512vl|avx512_bf16|avx512_fp16|avx512_vnni|avx_vnni|amx_tile|amx_bf16|amx_int8|asimd|bf16|i8mm|sve|sve2)$/

/** Model, core count and relevant features of the processor; `usable` counts the cores in the affinity mask of this process. */
export function processor(): { model: string; cores: number; usable: number; flags: string[] } {
  const info = read('/proc/cpuinfo') ?? ''
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1] ?? ''
  return {
    model: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    usable: availableParallelism(),
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

/** Share of a processor that a quota must grant beyond a whole number for one more thread to be worth its waiting. */
const WORTHWHILE = 0.1

/** Number of threads to start: processors of the affinity mask, limited by the CPU quota. */
export const usableThreads = (allowed: Limits = limits(), processors = availableParallelism()): number =>
  Math.max(1, Math.min(processors, Math.ceil((allowed.cpus ?? Infinity) - WORTHWHILE)))

/** Number of threads in OMP_NUM_THREADS: the first number of a list. */
export function threadsOfEnvironment(value: string | undefined = process.env.OMP_NUM_THREADS): number | undefined {
  const threads = Number(/^\s*(\d+)\s*(,|$)/.exec(value ?? '')?.[1])
  return threads >= 1 && threads <= 1024 ? threads : undefined
}

/** Operating system, C library and memory of this machine. */
export const system = () => ({ platform: platform(), release: release(), arch: arch(), libc: libc(), memory_bytes: totalmem() })

/** Environment variables that decide how long an idle OpenMP thread spins; native/loader/loader.cpp sets two of them. */
const IDLE_THREADS = ['OMP_WAIT_POLICY', 'GOMP_SPINCOUNT', 'KMP_BLOCKTIME'] as const

/** Those of the variables that are set, as text: `GOMP_SPINCOUNT=3000 KMP_BLOCKTIME=1`. */
export const idleThreads = (env: Readonly<Record<string, string | undefined>> = process.env): string =>
  IDLE_THREADS.flatMap((name) => (env[name] === undefined ? [] : [`${name}=${env[name]}`])).join(' ')
