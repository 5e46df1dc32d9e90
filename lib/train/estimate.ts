import { LvmError } from '../errors.js'
import { requireDisk } from '../files/disk.js'
import { freeMemory } from '../libtorch/memory.js'
import { bytes } from '../show.js'
import { activations } from '../spec/activations.js'
import { countParameters } from '../spec/count.js'
import type { Node } from '../spec/ops.js'
import { devices } from '../torch/device.js'
import { contrastiveWeight } from './contrastive-weight.js'
import type { TrainSettings } from './recipe.js'

/** With `recompute` auto, activations above this size are recomputed in the backward pass. Units: bytes. */
const STORED_ACTIVATIONS = 2 ** 31

/** Memory of Node and libtorch without a model, and of the allocator's cache. Units: bytes. */
const BASE = 600e6

/** Kernels that oneDNN keeps, one for each shape of a product: contexts of many lengths fill its cache of 1,024. Units: bytes. */
const KERNELS = 600e6

/** Contexts that a training reads at once at most, and the vectors of each. */
function largestBatch({ history, objective, batchSize, batchVectors }: TrainSettings, context: number) {
  if (history === undefined) return { time: context, contexts: batchSize }
  const cut = objective === 'sequence' && history === 'article' // articles are read in segments
  const time = cut ? Math.min(context, batchVectors) : context
  const several = Math.max(1, batchVectors / time)
  return { time, contexts: objective === 'sequence' ? several : Math.min(batchSize, several) }
}

/** Queries of a contrastive loss that native/train/contrast.cpp compares at once, and its matrices of them. */
const [QUERIES, MATRICES] = [256, 5]

/** Memory of a contrastive loss: drawn rows, columns, queries with their targets and gradients, and logits. Units: bytes. */
function contrastBytes(o: TrainSettings, dim: number, { time, contexts }: { time: number; contexts: number }): number {
  if (contrastiveWeight(o) === 0) return 0
  const queries = o.objective === 'sequence' ? contexts * time : o.batchSize
  const columns = o.negatives + queries
  return 4 * (dim * (2 * o.negatives + columns + 4 * queries) + MATRICES * Math.min(queries, QUERIES) * columns)
}

/** What a training is measured by: its data, and the processes that share it. */
export interface Sizes {
  readonly dim: number
  readonly context: number
  /** Memory of the vectors, without memory-mapped ones. */
  readonly dataBytes: number
  readonly ranks?: number | undefined
  /** Numbers in the parameters that are trained: all, unless some are frozen. */
  readonly trainable?: number | undefined
}

/** Memory of one process by what needs it. Units: bytes. */
export interface MemoryParts {
  readonly weights: number
  readonly gradients: number
  /** Moments and moving average, or this process's part of them. */
  readonly optimizer: number
  /** Buckets in which gradients are added up over all processes. */
  readonly exchange: number
  /** What the backward pass needs, and a contrastive loss. */
  readonly activations: number
  /** Node, libtorch and their caches. */
  readonly program: number
  readonly data: number
}

/** Estimates memory, by its parts, and disk of a training, and decides whether layers are recomputed. Units: bytes. */
export function estimateParts(
  o: TrainSettings,
  node: Node,
  sizes: Sizes,
): { parts: MemoryParts; disk_bytes: number; checkpoint: { final: number; best: number }; recompute: boolean } {
  const parameters = countParameters(node)
  const trainable = sizes.trainable ?? parameters
  const each = o.weights === 'bf16' ? 2 : 4
  const moments = each * (o.ema > 0 ? 3 : 2)
  const ranks = sizes.ranks ?? o.processes ?? 1
  const whole = largestBatch(o, sizes.context)
  const batch = { ...whole, contexts: Math.max(1, whole.contexts / ranks) } // ranks share each batch
  const { time, contexts } = batch
  const { kept, inputs, largest } = activations(node, time, sizes.dim)
  const held = (numbers: number) => 1.3 * each * contexts * numbers // 30 % for temporary gradients
  const recompute = o.recompute === 'on' || (o.recompute === 'auto' && held(kept) > STORED_ACTIVATIONS)
  const checkpoint = { final: parameters * each + trainable * moments, best: parameters * each }
  return {
    parts: {
      weights: parameters * (each + (o.precision === 'bf16' ? 2 : 0)),
      gradients: trainable * each,
      optimizer: trainable * (o.shardOptimizer ? moments / ranks : moments),
      exchange: ranks > 1 ? trainable * 4 : 0,
      activations: held(recompute ? inputs + largest : kept) + contrastBytes(o, sizes.dim, batch),
      program: BASE + (o.history === undefined ? 0 : KERNELS),
      data: sizes.dataBytes,
    },
    disk_bytes: Math.round(4 * checkpoint.final + checkpoint.best * (o.keepBest + o.keepLast) + 1e7),
    checkpoint,
    recompute,
  }
}

/** Memory of all parts. Units: bytes. */
export const sumOf = (parts: MemoryParts): number => Math.round(Object.values(parts).reduce((sum, part) => sum + part, 0))

/** Estimates memory and disk of a training, and decides whether layers are recomputed. Units: bytes. */
export function estimate(
  o: TrainSettings,
  node: Node,
  sizes: Sizes,
): { memory_bytes: number; disk_bytes: number; recompute: boolean } {
  const { parts, disk_bytes, recompute } = estimateParts(o, node, sizes)
  return { memory_bytes: sumOf(parts), disk_bytes, recompute }
}

/** Above this share of the free memory a training gets a warning: other programs need memory too. */
const TIGHT = 0.8

/** Requires `size` bytes of free memory; returns a warning when memory is tight. Errors: OUT_OF_MEMORY with the figures. */
export function requireMemory(what: string, size: number, free: number, hint: string): string | undefined {
  const [needed, there] = [bytes(size), bytes(free)]
  if (size > free)
    throw new LvmError('OUT_OF_MEMORY', `train: expected ${needed} of free memory for ${what} but ${there} are free`, { hint })
  return size > TIGHT * free ? `memory is tight: ${what} may take ${needed} of ${there} free` : undefined
}

/** Requires memory for the data before it is read. Errors: OUT_OF_MEMORY. */
export function requireDataMemory(size: number): void {
  requireMemory(
    'the data',
    size,
    freeMemory(),
    'use a float16 or float32 .npy, which is memory-mapped, omit --normalize, or use less data',
  )
}

/**
 * Requires memory and disk for a training whose data is already open; returns a warning when memory is tight.
 *
 * Errors: OUT_OF_MEMORY, NO_DISK, with the figures.
 */
export async function requireRoom(
  folder: string,
  needed: { memory_bytes: number; disk_bytes: number },
  o: { device: string; dataBytes: number },
): Promise<string | undefined> {
  const own = devices().find(({ name }) => name === o.device)?.memory
  const free = o.device === 'cpu' ? freeMemory() : (own ?? Infinity)
  const hint = 'use a smaller --batch-size, model or --context, or --weights bf16, which needs half the memory'
  const tight = requireMemory('the model and its training', needed.memory_bytes - o.dataBytes, free, hint)
  await requireDisk(folder, needed.disk_bytes)
  return tight
}
