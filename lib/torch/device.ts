import { badOption, LvmError, shown } from '../errors.js'
import { worded } from '../hints.js'
import { findLibtorch } from '../libtorch/find.js'
import { addonPath } from '../libtorch/load-libtorch.js'
import { threadsOfEnvironment, usableThreads } from '../libtorch/machine.js'
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

/**
 * Sets and returns the number of threads of this process: `threads`, else OMP_NUM_THREADS, else all usable processors.
 *
 * A warning says when `threads` overrules OMP_NUM_THREADS, and when there are more threads than usable processors. The `recorded`
 * thread count of a run overrules too, so that its figures stay equal.
 */
export function useThreads(threads: number | undefined, { recorded }: { recorded?: string | undefined } = {}): number {
  const [asked, usable] = [threadsOfEnvironment(), usableThreads()]
  const used = threads ?? asked ?? usable
  native.setThreads(used)
  if (asked !== undefined && asked !== used)
    warnRuledOut(
      `OMP_NUM_THREADS=${asked} is overruled by ${
        recorded === undefined
          ? worded(`--threads ${used}`)
          : `the ${used} threads that ${recorded} was trained with; ${worded('set --threads instead')}`
      }`,
    )
  if (used > usable)
    warnRuledOut(
      `${used} threads${recorded === undefined ? '' : `, with which ${recorded} was trained,`} wait for each other on ${usable === 1 ? 'the one processor' : `the ${usable} processors`} that this process may use; ${worded(`set --threads ${usable}`)} to compute faster`,
    )
  return native.threads()
}
