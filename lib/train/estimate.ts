import { LvmError } from '../errors.js'
import { requireDisk } from '../files/disk.js'
import { limits } from '../libtorch/machine.js'
import { activations } from '../spec/activations.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import { devices } from '../torch/device.js'
import type { TrainSettings } from './recipe.js'

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`

/** Activations of so many bytes are kept; more of them are computed again, unless that was said otherwise. */
const KEPT = 2 ** 31

/** What Node and libtorch take before there is a model, and the memory that is kept for the next tensor. */
const BASE = 600e6

/** What a training will take, and whether it computes layers again. Units: bytes. */
export function estimate(
  o: TrainSettings,
  node: Node,
  sizes: { dim: number; dataBytes: number },
): { memory_bytes: number; disk_bytes: number; recompute: boolean } {
  const parameters = countParameters(node)
  const each = o.weights === 'bf16' ? 2 : 4
  const moments = each * (o.ema > 0 ? 3 : 2)
  const weights = parameters * (2 * each + moments + (o.precision === 'bf16' ? 2 : 0))
  const { kept, inputs, largest } = activations(node, o.context, sizes.dim)
  const bytes = (numbers: number) => 1.3 * each * o.batchSize * numbers // gradients come and go beside them
  const recompute = o.recompute === 'on' || (o.recompute === 'auto' && bytes(kept) > KEPT)
  const passing = bytes(recompute ? inputs + largest : kept)
  const file = parameters * (each + moments)
  return {
    memory_bytes: Math.round(BASE + weights + passing + sizes.dataBytes),
    disk_bytes: Math.round(4 * file + 1e7),
    recompute,
  }
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
      { hint: 'use a smaller --batch-size, model or --context, or --weights bf16, which takes half' },
    )
  }
  await requireDisk(folder, needed.disk_bytes)
}
