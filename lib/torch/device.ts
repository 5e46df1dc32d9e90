import { badOption, LvmError, shown } from '../errors.js'
import { worded } from '../hints.js'
import { findLibtorch } from '../libtorch/find.js'
import { addonPath } from '../libtorch/load-libtorch.js'
import { limits, usableThreads } from '../libtorch/machine.js'
import { probe } from '../libtorch/probe-libtorch.js'
import { native } from '../native.js'
import { warnRuledOut } from './ruled-out.js'

/** Devices that libtorch can compute on. Units: memory in bytes, null for the CPU. */
export const devices = (): { name: string; type: string; memory: number | null }[] => native.devices()

/**
 * Returns the full name of a device; `auto` prefers CUDA, then MPS, then the CPU.
 *
 * Errors: BAD_OPTION for an unknown name; DEVICE_UNAVAILABLE for a device that is missing; LIBTORCH_MISMATCH for one that crashes.
 */
export function resolveDevice(name: string): string {
  if (!/^(auto|cpu|cuda(:\d+)?|mps)$/.test(name)) throw badOption('device', 'device', 'cpu, cuda[:n], mps or auto', name)
  const here = devices()
  const found =
    name === 'auto'
      ? (here.find(({ type }) => type !== 'cpu') ?? here[0])
      : here.find((device) => device.name === name || device.name === `${name}:0`)
  if (found !== undefined) {
    if (found.type !== 'cpu') probe(findLibtorch(), addonPath(), found.name) // the CPU was probed before libtorch was loaded
    return found.name
  }
  throw new LvmError(
    'DEVICE_UNAVAILABLE',
    `device: expected one of ${here.map((device) => device.name).join(', ')} for "device" but received ${shown(name)}`,
  )
}

/** Number of threads in OMP_NUM_THREADS: the first number of a list. */
export function threadsOfEnvironment(value: string | undefined = process.env.OMP_NUM_THREADS): number | undefined {
  const threads = Number(/^\s*(\d+)\s*(,|$)/.exec(value ?? '')?.[1])
  return threads >= 1 && threads <= 1024 ? threads : undefined
}

/**
 * Sets and returns the number of threads of this process: `threads`, else OMP_NUM_THREADS, else all usable cores.
 *
 * The `recorded` thread count of a run overrules OMP_NUM_THREADS with a warning, so that its figures stay equal.
 */
export function useThreads(threads: number | undefined, { recorded }: { recorded?: string | undefined } = {}): number {
  const asked = threadsOfEnvironment()
  if (recorded !== undefined && asked !== undefined && asked !== threads)
    warnRuledOut(
      `OMP_NUM_THREADS=${asked} is overruled by the ${threads} threads that ${recorded} was trained with; ${worded('set --threads instead')}`,
    )
  native.setThreads(threads ?? asked ?? usableThreads(limits()))
  return native.threads()
}
