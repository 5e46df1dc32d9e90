/** Bytes that one rank sends in a step, and receives. */
export interface Wire {
  readonly gradients_bytes: number
  /** Changed weights, with the optimizer's state in parts. */
  readonly weights_bytes: number
  readonly bytes: number
}

/**
 * Bytes of a step: a ring sums gradients of 4 bytes per parameter, and each rank gives all others its part of the weights.
 *
 * Source: the ring all-reduce of Patarasuk & Yuan 2009, J. Parallel Distrib. Comput. 69(2); Gloo's broadcast sends each part once to each rank.
 */
export function wireOf(ranks: number, o: { parameters: number; weightBytes: number; shardOptimizer: boolean }): Wire {
  const others = (ranks - 1) / ranks
  const gradients_bytes = Math.round(2 * others * 4 * o.parameters)
  const weights_bytes = o.shardOptimizer ? Math.round(others * o.weightBytes * o.parameters) : 0
  return { gradients_bytes, weights_bytes, bytes: gradients_bytes + weights_bytes }
}

/** Seconds between two bounds: exchange that runs wholly beside the computation, and exchange after it. */
export interface Span {
  readonly least: number
  readonly most: number
}

/** Time of a step with its exchange. Gradients are sent during the backward pass, unless layers are recomputed in it; weights after the update. */
export function stepSpan(computed: number, wire: Wire, o: { bytesPerSecond: number; overlaps: boolean }): Span {
  const [gradients, weights] = [wire.gradients_bytes / o.bytesPerSecond, wire.weights_bytes / o.bytesPerSecond]
  const most = computed + gradients + weights
  return { least: o.overlaps ? Math.max(computed, gradients) + weights : most, most }
}
