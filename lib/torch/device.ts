import { badOption, LvmError, shown } from '../errors.js'
import { worded } from '../hints.js'
import { findLibtorch } from '../libtorch/find.js'
import { addonPath } from '../libtorch/load-libtorch.js'
import { limits, usableThreads } from '../libtorch/machine.js'
import { probe } from '../libtorch/probe-libtorch.js'
import { native } from '../native.js'
import { warnRuledOut } from './ruled-out.js'

/** Devices that libtorch can compute on here. Units: memory in bytes, null for the processor's. */
export const devices = (): { name: string; type: string; memory: number | null }[] => native.devices()

/**
 * The device that a name stands for; `auto` is CUDA, then MPS, then the processor.
 *
 * Errors: BAD_OPTION for a name that is none; DEVICE_UNAVAILABLE for one that is not here; LIBTORCH_MISMATCH for one that crashes.
 */
export function resolveDevice(name: string): string {
  if (!/^(auto|cpu|cuda(:\d+)?|mps)$/.test(name)) throw badOption('device', 'device', 'cpu, cuda[:n], mps or auto', name)
  const here = devices()
  const found =
    name === 'auto'
      ? (here.find(({ type }) => type !== 'cpu') ?? here[0])
      : here.find((device) => device.name === name || device.name === `${name}:0`)
  if (found !== undefined) {
    if (found.type !== 'cpu') probe(findLibtorch(), addonPath(), found.name) // the processor was tried before libtorch loaded
    return found.name
  }
  throw new LvmError(
    'DEVICE_UNAVAILABLE',
    `device: expected one of ${here.map((device) => device.name).join(', ')} for "device" but received ${shown(name)}`,
  )
}

/** Threads that OMP_NUM_THREADS asks for: its first number, where there are several. */
export function threadsOfEnvironment(value: string | undefined = process.env.OMP_NUM_THREADS): number | undefined {
  const threads = Number(/^\s*(\d+)\s*(,|$)/.exec(value ?? '')?.[1])
  return threads >= 1 && threads <= 1024 ? threads : undefined
}

/**
 * Sets and returns the threads of this process: what is asked for, what OMP_NUM_THREADS says, or all it may use.
 *
 * A run that is `recorded` with other threads than OMP_NUM_THREADS says keeps its own, so that its figures stay the same; that is said.
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
