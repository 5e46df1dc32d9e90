import { requireDisk } from '../checkpoint/disk.js'
import { LvmError } from '../errors.js'
import { limits } from '../libtorch/machine.js'
import { devices } from '../torch/device.js'
import type { TrainSettings } from './recipe.js'

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`

/** What a training will take. Units: bytes. */
export function estimate(
  o: TrainSettings,
  parameters: number,
  sizes: { dim: number; dataBytes: number },
): { memory_bytes: number; disk_bytes: number } {
  const moments = o.ema > 0 ? 12 : 8
  const weights = parameters * (4 + 4 + moments + (o.precision === 'bf16' ? 2 : 0))
  const activations = 4 * o.batchSize * o.context * (64 * Math.sqrt(parameters) + 8 * sizes.dim)
  const file = parameters * (4 + moments)
  return { memory_bytes: Math.round(250e6 + weights + activations + sizes.dataBytes), disk_bytes: Math.round(4 * file + 1e7) }
}

/** Refuses what cannot fit, before anything is computed. Errors: OUT_OF_MEMORY, NO_DISK, with the figures. */
export async function requireRoom(
  folder: string,
  needed: { memory_bytes: number; disk_bytes: number },
  device: string,
): Promise<void> {
  const here = Math.min(process.availableMemory(), limits().memory_bytes ?? Infinity)
  const free = device === 'cpu' ? here : (devices().find(({ name }) => name === device)?.memory ?? Infinity)
  if (needed.memory_bytes > free) {
    throw new LvmError(
      'OUT_OF_MEMORY',
      `train: expected ${gigabytes(needed.memory_bytes)} of free memory but there are ${gigabytes(free)}`,
    )
  }
  await requireDisk(folder, needed.disk_bytes)
}
