import { freeMemory } from '../libtorch/memory.js'
import type { Node } from '../spec/ops.js'
import { estimateParts, type MemoryParts, sumOf } from '../train/estimate.js'
import type { TrainSettings } from '../train/recipe.js'
import type { PlannedMemory } from './plan-document.js'
import { rowsMemory } from './rows-memory.js'

/** A training as its memory depends on it. */
export interface Case {
  readonly train: TrainSettings
  readonly spec: Node
  readonly dim: number
  readonly rows: number
  readonly context: number
  readonly ranks: number
  /** Numbers in the parameters that are trained. */
  readonly trainable: number
}

function partsOf({ train, spec, dim, rows, context, ranks, trainable }: Case) {
  const held = rowsMemory({ rows, dim, normalize: train.normalize })
  const { parts } = estimateParts(train, spec, { dim, context, ranks, trainable, dataBytes: held.rows + held.vectors })
  return { parts, held }
}

/** Estimated memory of a training. Units: bytes. */
export const estimated = (of: Case): number => sumOf(partsOf(of).parts)

/** Bytes of what a formula gives exactly. */
const exact = ({ weights, gradients, optimizer, exchange, data }: MemoryParts): number =>
  weights + gradients + optimizer + exchange + data

/** Memory of one rank: with a measurement of another case of the same training, the rest is what that one used. */
export function plannedMemory(of: Case, measured: { case: Case; peak: number } | undefined): PlannedMemory {
  const { parts, held } = partsOf(of)
  const working =
    measured === undefined ? parts.activations + parts.program : Math.max(0, measured.peak - exact(partsOf(measured.case).parts))
  return {
    bytes: Math.round(exact(parts) + working),
    from: measured === undefined ? 'estimated' : 'measured',
    weights_bytes: parts.weights,
    gradients_bytes: parts.gradients,
    optimizer_bytes: Math.round(parts.optimizer),
    exchange_bytes: parts.exchange,
    working_bytes: Math.round(working),
    rows_bytes: held.rows,
    vectors_bytes: held.vectors,
    mapped_bytes: held.mapped,
    free_bytes: freeMemory(),
  }
}
