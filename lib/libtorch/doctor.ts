import { existsSync } from 'node:fs'
import { asLvmError } from '../errors.js'
import { freeBytes } from '../files/disk.js'
import { stage } from '../stages.js'
import { busyNotes } from './cpu-share.js'
import { findLibtorch, fromPython, type Step, step, steps } from './find.js'
import { installed } from './libtorch-store.js'
import { addonPath } from './load-libtorch.js'
import { limits, processor, system, threadsOfEnvironment, tool, usableThreads } from './machine.js'
import { packageRoot, storeRoot } from './paths.js'
import { here, LIBTORCH_PACKAGE, PLATFORMS } from './pins.js'
import { installsPip } from './pip.js'
import { attempt, type Trial } from './probe-libtorch.js'

/** A problem and its fix. */
export interface Problem {
  readonly what: string
  readonly fix: string
  /** Whether it prevents training. */
  readonly fatal: boolean
}

/** A possible location of libtorch, with the result of the trial in a child process. */
export interface Candidate {
  readonly source: string
  readonly path: string | null
  readonly version: string | null
  readonly variant: string | null
  readonly verdict: string
  /** Whether lvm-torch uses this one. */
  readonly used: boolean
}

type Devices = Extract<Trial, { ok: true }>['devices']

/** The result of `doctor`; field names as in its JSON. */
export interface Diagnosis {
  readonly version: 1
  readonly usable: boolean
  readonly node: string
  readonly system: ReturnType<typeof system>
  readonly cpu: ReturnType<typeof processor>
  readonly limits: ReturnType<typeof limits>
  /** Threads of a training without `threads`. */
  readonly threads: number
  /** Threads that can compute at the same time under the affinity mask and the CPU quota. */
  readonly usable_threads: number
  /** Environment variables for the spin time of idle threads, as libtorch found them; null if it did not load. */
  readonly idle_threads: string | null
  readonly disk: readonly { path: string; free_bytes: number }[]
  readonly tools: Readonly<Record<string, string | null>>
  readonly addon: string | null
  readonly libtorch: readonly Candidate[]
  readonly kernels: string | null
  /** `note`: what is not known about it; null for the CPU. */
  readonly devices: readonly { name: string; type: string; memory_bytes: number | null; note: string | null }[]
  readonly problems: readonly Problem[]
}

/** Returns the value of `work`, or adds its error to the problems. */
function attempted<T>(problems: Problem[], work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    const { message, commandHint: hint } = asLvmError(error)
    problems.push({ what: message, fix: hint, fatal: true })
    return undefined
  }
}

function places(): Step[] {
  const all = [
    ...steps(),
    ...installed().map(({ path }) => step('installed', path)),
    fromPython('1', 'python3 (set LVM_TORCH_USE_PYTORCH=1 to use it)'),
  ]
  return all.filter(({ path }, i) => path === null || all.findIndex((other) => other.path === path) === i)
}

const tools = (): Record<string, string | null> => ({
  npm: tool('npm'),
  python3: tool('python3'),
  pip: tool('python3', ['-m', 'pip', '--version']),
  cmake: tool('cmake'),
  compiler: tool(process.env.CXX ?? (process.platform === 'win32' ? 'cl' : 'c++')),
})

type Add = (fatal: boolean, what: string, fix: string) => void

function checkPlatform(add: Add, { libc }: ReturnType<typeof system>): void {
  if (!(here in PLATFORMS))
    add(true, `there is no pinned libtorch for ${here}`, 'build one and set LVM_TORCH_LIBTORCH=/its/folder')
  if (libc === 'musl' || (libc !== null && Number(libc.split('.')[1]) < 28))
    add(true, `the C library is ${libc}, but libtorch needs glibc 2.28`, 'use Debian 10, Ubuntu 20.04, RHEL 8 or newer')
}

/** Reports tools that are missing to build the addon or to install libtorch. */
function checkTools(add: Add, found: ReturnType<typeof tools>, has: { addon: boolean; libtorch: boolean }): void {
  const builds = !has.addon && existsSync(`${packageRoot()}/CMakeLists.txt`)
  if (builds && found.cmake === null)
    add(true, 'cmake is not on the PATH', 'run: sudo apt-get install -y cmake (or: pip install cmake)')
  if (builds && found.compiler === null)
    add(true, 'there is no C++ compiler', 'run: sudo apt-get install -y g++ (or: xcode-select --install)')
  if (!has.libtorch && found.pip === null)
    add(
      false,
      'python3 with pip, which libtorch install runs, is not on the PATH',
      `run: ${installsPip()}; or without Python: npm install ${LIBTORCH_PACKAGE}`,
    )
}

/** Tries every libtorch in a child process; `chosen` is the trial of the one in use. */
function tryAll(used: string | undefined, hasAddon: boolean): { candidates: Candidate[]; chosen: Trial | undefined } {
  let chosen: Trial | undefined
  const candidates = places().map(({ source, path, verdict, libtorch }): Candidate => {
    const trial = libtorch && hasAddon ? attempt(libtorch, 'cpu') : undefined
    const isUsed = used !== undefined && libtorch?.path === used
    if (isUsed) chosen = trial
    const tried =
      trial === undefined
        ? verdict
        : trial.ok
          ? [`usable: computed in ${trial.milliseconds} ms`, ...busyNotes([trial.cpu_share])].join(', ')
          : `${trial.code}: ${trial.message}`
    return { source, path, version: libtorch?.version ?? null, variant: libtorch?.variant ?? null, verdict: tried, used: isUsed }
  })
  return { candidates, chosen }
}

/** Reports a libtorch without the GPU of this machine, a slow processor and too little memory. */
function checkMachine(add: Add, variant: string | undefined, cpu: ReturnType<typeof processor>, memoryBytes: number): void {
  if (variant === 'cpu' && existsSync('/proc/driver/nvidia/version'))
    add(false, 'there is an NVIDIA GPU but this libtorch is for the CPU', 'run: npx lvm-torch libtorch install cuda')
  if (process.arch === 'x64' && cpu.flags.length > 0 && !cpu.flags.includes('avx2'))
    add(false, 'this CPU has no AVX2: training will be slow', 'use a newer machine')
  if (memoryBytes < 2e9) add(false, 'there is less than 2 GB of memory', 'train lstm or gru, with a small --batch-size')
}

/** Reports settings of OpenMP that make threads wait for each other, or keep processors from other programs. */
function checkThreads(add: Add, usable: number): void {
  const asked = threadsOfEnvironment()
  if (asked !== undefined && asked > usable)
    add(false, `OMP_NUM_THREADS=${asked} exceeds the ${usable} threads that can compute at the same time`, 'unset it')
  if (/^active$/i.test(process.env.OMP_WAIT_POLICY?.trim() ?? ''))
    add(false, 'OMP_WAIT_POLICY=active keeps idle threads spinning, which slows all programs of a busy machine', 'unset it')
}

/** What a user must know about a device: training on accelerators has been compiled, but not measured on one. */
const UNMEASURED = 'compiled, not yet measured on a GPU; npm run check:gpu compares it with the CPU'

/** Checks everything that training needs; the trial of each libtorch in a child process takes about a second. */
export async function examine(): Promise<Diagnosis> {
  const problems: Problem[] = []
  const add: Add = (fatal, what, fix) => problems.push({ what, fix, fatal })
  const [os, cpu, allowed, found] = [system(), processor(), limits(), stage('find the tools', tools)]
  checkPlatform(add, os)
  const used = attempted(problems, () => findLibtorch())
  const addon = attempted(problems, () => addonPath()) ?? null
  checkTools(add, found, { addon: addon !== null, libtorch: used !== undefined })
  const { candidates, chosen } = stage('try every libtorch', () => tryAll(used?.path, addon !== null))
  if (chosen && !chosen.ok) add(true, chosen.message, chosen.hint)
  const disks = await Promise.all([storeRoot(), process.cwd()].map(async (path) => ({ path, free_bytes: await freeBytes(path) })))
  if (!used && disks[0]!.free_bytes < 1.3e9)
    add(
      true,
      `there is too little free space in ${storeRoot()} for libtorch`,
      'free 1.3 GB, or set LVM_TORCH_CACHE=/another/disk',
    )
  checkMachine(add, used?.variant, cpu, allowed.memory_bytes ?? os.memory_bytes)
  const usable = usableThreads(allowed)
  checkThreads(add, usable)
  const devices: Devices = chosen?.ok ? chosen.devices : []
  return {
    version: 1,
    usable: !problems.some(({ fatal }) => fatal),
    node: process.version,
    system: os,
    cpu,
    limits: allowed,
    threads: threadsOfEnvironment() ?? usable,
    usable_threads: usable,
    idle_threads: chosen?.ok ? chosen.idle_threads : null,
    disk: disks,
    tools: found,
    addon,
    libtorch: candidates,
    kernels: chosen?.ok ? chosen.capability : null,
    devices: devices.map(({ name, type, memory }) => ({
      name,
      type,
      memory_bytes: memory,
      note: type === 'cpu' ? null : UNMEASURED,
    })),
    problems,
  }
}
