import { badOption, LvmError, shown } from '../errors.js'
import { findLibtorch } from '../libtorch/find.js'
import { addonPath } from '../libtorch/load.js'
import { limits, usableThreads } from '../libtorch/machine.js'
import { probe } from '../libtorch/probe.js'
import { native } from '../native.js'

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

/** Sets and returns the threads of this process: what is asked for, or all it may use. */
export function useThreads(threads: number | undefined): number {
  native.setThreads(threads ?? usableThreads(limits()))
  return native.threads()
}
