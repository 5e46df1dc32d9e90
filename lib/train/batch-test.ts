import type { BatchTest } from '../checkpoint/tested-settings.js'
import { freeMemory } from '../libtorch/memory.js'
import { native } from '../native.js'
import { stoppedBefore } from './before-first-step.js'
import { estimate } from './estimate.js'
import { LEAST } from './recipe.js'
import { type Session, trainerOf } from './session.js'
import type { Told } from './train-events.js'

/** Smallest size that is tried, where the windows allow it. */
const SMALLEST = 8
/** No further size is tried after `seconds`; a size makes at least so many steps in `least` seconds, unless they take more than `most`. */
const LIMITS = { seconds: 30, steps: 20, least: 0.2, most: 1.5 }
/** A smaller size is chosen unless a larger one is faster by more than this factor. */
const FASTER = 1.05

type Tried = BatchTest['sizes'][number]

/** Batch sizes of a test: powers of two with which an epoch has at least 8 steps. */
export function sizesFor(windows: number, accumulate: number): number[] {
  const most = Math.max(1, Math.floor(windows / (LEAST.steps * accumulate)))
  const least = Math.min(SMALLEST, 2 ** Math.floor(Math.log2(most)))
  return Array.from({ length: Math.floor(Math.log2(most / least)) + 1 }, (_, i) => least * 2 ** i)
}

/** The smallest size that is not clearly slower than the fastest one. */
export function chosenSize(sizes: readonly Pick<Tried, 'batch_size' | 'samples_per_second'>[]): number {
  const fastest = Math.max(...sizes.map((size) => size.samples_per_second))
  return sizes.find((size) => size.samples_per_second * FASTER >= fastest)!.batch_size
}

/** Whether neither of the last two sizes is clearly faster than the best one before them. */
const levelled = (sizes: readonly Tried[]): boolean => {
  const speeds = sizes.map((size) => size.samples_per_second)
  return speeds.length > 2 && Math.max(...speeds.slice(-2)) < FASTER * Math.max(...speeds.slice(0, -2))
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

/**
 * Windows per second of steps with one batch size, by the median step; with a rate of 0 they leave the weights as they are. A first step,
 * which allocates memory and chooses kernels, counts only where it takes all the time of a size.
 */
async function speedOf(session: Session, batchSize: number, recompute: boolean, signal: AbortSignal): Promise<number> {
  const { train } = session.plan
  const trainer = await trainerOf(session, { ...train, batchSize }, recompute)
  const stop = () => native.trainerStop(trainer)
  signal.addEventListener('abort', stop)
  try {
    const perEpoch = native.trainerStepsPerEpoch(trainer)
    const seconds: number[] = []
    let total = 0
    while (total < LIMITS.most && (seconds.length < LIMITS.steps || total < LIMITS.least)) {
      const i = seconds.length
      const start = performance.now()
      await native.trainerRun(trainer, 1 + Math.floor(i / perEpoch), i % perEpoch, Float64Array.of(0))
      if (signal.aborted) throw stoppedBefore(signal)
      seconds.push((performance.now() - start) / 1000)
      total += seconds[i]!
    }
    return (batchSize * train.accumulate) / median(seconds.length > 1 ? seconds.slice(1) : seconds)
  } finally {
    signal.removeEventListener('abort', stop)
    native.dispose(trainer)
  }
}

/**
 * Chooses a batch size with a session that is thrown away: tries growing sizes for a few steps each, as far as memory and time allow and
 * as long as they become faster.
 *
 * Errors: INTERRUPTED, TERMINATED.
 */
export async function* batchTest(session: Session, signal: AbortSignal): AsyncGenerator<Told, BatchTest> {
  const { data, spec, plan, device } = session
  const sizes: Tried[] = []
  const needed = (batchSize: number) =>
    estimate({ ...plan.train, batchSize }, spec, {
      dim: data.train.base.dim,
      context: data.context,
      dataBytes: data.bytes,
      trainable: session.chosen.trainable,
    })
  native.dispose(session.trainer) // its moments would take memory from those of the test
  const [start, opened] = [performance.now(), needed(plan.train.batchSize).memory_bytes]
  const free = device === 'cpu' ? freeMemory() : Number.POSITIVE_INFINITY
  let ended: BatchTest['ended'] = 'steps'
  if (signal.aborted) throw stoppedBefore(signal)
  for (const batchSize of sizesFor(data.split.train.length, plan.train.accumulate)) {
    const { memory_bytes, recompute } = needed(batchSize)
    if (sizes.length > 0 && performance.now() - start > 1000 * LIMITS.seconds) ended = 'time'
    else if (sizes.length > 0 && memory_bytes - opened > free) ended = 'memory'
    else if (levelled(sizes)) ended = 'slower'
    if (ended !== 'steps') break
    const samples_per_second = await speedOf(session, batchSize, recompute, signal)
    sizes.push({ batch_size: batchSize, samples_per_second, memory_bytes })
    yield { type: 'batch_test_progress', batch_size: batchSize, samples_per_second }
  }
  const test: BatchTest = { batch_size: chosenSize(sizes), usual: plan.train.batchSize, sizes, ended }
  yield { type: 'batch_test', ...test }
  return test
}
