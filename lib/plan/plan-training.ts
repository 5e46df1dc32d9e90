import type { ModelName, OwnOptions } from '../architectures/index.js'
import { longDoor } from '../control.js'
import { withFields, word } from '../door.js'
import { busyNote } from '../libtorch/cpu-share.js'
import { freeMemory } from '../libtorch/memory.js'
import type { Given } from '../options.js'
import { rankPlace } from '../ranks/rank-place.js'
import { bytes, count } from '../show.js'
import { countParameters } from '../spec/count.js'
import { trainableNumbers } from '../train/chosen-parameters.js'
import { estimateParts } from '../train/estimate.js'
import type { trainFields } from '../train/train-fields.js'
import { type Asked, ask, expectedStep, judgedIn, localSettings, trialOptions, trialSize, vectorsOfRank } from './asked-plan.js'
import { type Measured, measureTraining } from './measured-training.js'
import type { Planned } from './plan-document.js'
import { type Case, estimated, plannedMemory } from './planned-memory.js'
import { ceilingPace, measuredPace, plannedTime } from './planned-time.js'
import type { plannedOf, planningFields } from './planning-fields.js'
import { type Ceiling, measureCeiling } from './product-rates.js'
import { wireOf } from './wire.js'

/** Options of `plan`: the model, the size of the data and of the group, and the options of the training except where its data and run are. */
export type PlanOptions = {
  [M in ModelName]: {
    /** Name of the model. */
    readonly model: M
    /** vectors of the data */
    readonly rows: number
  } & Given<typeof planningFields> &
    Given<ReturnType<typeof plannedOf<typeof trainFields>>> &
    OwnOptions<M>
}[ModelName]

interface Tried {
  readonly measured?: { readonly case: Case; readonly training: Measured }
  readonly ceiling?: Ceiling
  /** Why nothing was measured, or no time is known. */
  readonly note: string | null
}

/** Counts the numbers that are trained; those of a model that does not fit in memory are counted as a whole. */
async function trainedNumbers({ plan: { train }, spec }: Asked): Promise<number> {
  const all = countParameters(spec)
  return 4 * all > freeMemory() ? all : trainableNumbers(spec, train)
}

/** Trains some steps here, or else measures the speed of products. */
async function tried(asked: Asked, trainable: number): Promise<Tried> {
  const { plan, o, spec, counts, processes, threads } = asked
  const local = localSettings(asked)
  const trial = trialSize(asked, local)
  const here: Case = { train: local, spec, dim: o.dim, rows: trial.rows, context: counts.context, ranks: processes, trainable }
  const products = async (note: string): Promise<Tried> => {
    if (!/^(auto|cpu)$/.test(plan.train.device)) return { note: `${note}; the time on ${plan.train.device} is unknown` }
    const ceiling = await measureCeiling({ threads, bf16: plan.train.weights === 'bf16' })
    return { ceiling, note: `${note}; the time is a lower bound from the speed of products and copies` }
  }
  if (!o.measure) return products('no step was measured')
  if (rankPlace() !== undefined) return { note: 'no step was measured, because the environment has RANK and WORLD_SIZE' }
  const [needed, free] = [processes * estimated(here), freeMemory()]
  if (needed > free) return products(`no step was measured, because it needs ${bytes(needed)} of ${bytes(free)} free memory`)
  const expected = expectedStep(asked)
  const training = await measureTraining({
    model: plan.architecture.name,
    options: trialOptions(asked, local),
    size: trial,
    expected,
    judged: judgedIn(expected),
    ranks: processes,
    call: counts.evaluated_at_once,
  })
  if (typeof training !== 'string') return { measured: { case: here, training }, note: null }
  return products(`no step could be measured: ${training}`)
}

function notesOf({ plan: { train }, counts, ranks, o }: Asked, memory: Planned['memory'], share: number | null): string[] {
  const busy = busyNote(share)
  return [
    ...(counts.batch < ranks
      ? [
          `a batch of ${count(counts.batch)} leaves ${count(ranks - counts.batch)} of ${count(ranks)} ranks without work: use a larger batch`,
        ]
      : []),
    ...(memory.bytes > memory.free_bytes ? ['a rank needs more memory than is free here'] : []),
    ...(memory.mapped_bytes > 0 && train.normalize ? ['with normalize each rank holds a copy of all vectors'] : []),
    ...(o.rows! > 2 ** 31 ? ['rows are counted in 31 bits: divide the data'] : []),
    ...(busy === undefined ? [] : [`${busy}; the times are those of an idle one`]),
  ]
}

/**
 * Tells what a training of a size needs: memory of a rank, bytes over the network, time, and size and time of a checkpoint.
 *
 * Some steps are trained with made-up vectors in a process of its own, and scaled by rows and ranks.
 * Errors: BAD_OPTION; INTERRUPTED.
 */
export const plan = longDoor('plan', { options: withFields({ model: word }) }, async (options: PlanOptions): Promise<Planned> => {
  const asked = ask(options as never)
  const { plan, o, counts, spec, ranks, processes, threads } = asked
  const { train } = plan
  const parameters = countParameters(spec)
  const trainable = await trainedNumbers(asked)
  const { measured, ceiling, note } = await tried(asked, trainable)
  const { context } = counts
  const whole: Case = {
    train: { ...train, shardOptimizer: train.shardOptimizer && ranks > 1 },
    spec,
    dim: o.dim,
    rows: o.rows!,
    context,
    ranks,
    trainable,
  }
  const memory = plannedMemory(whole, measured && { case: measured.case, peak: measured.training.peak_memory_bytes })
  const { checkpoint, disk_bytes, recompute } = estimateParts(train, spec, {
    dim: o.dim,
    context,
    ranks,
    trainable,
    dataBytes: 0,
  })
  const weightBytes = train.weights === 'bf16' ? 2 : 4
  const wire = ranks === 1 ? null : wireOf(ranks, { parameters: trainable, weightBytes, shardOptimizer: train.shardOptimizer })
  const crossing = ranks > processes ? wire : null
  const bytesPerSecond = 1e9 * o.network
  const pace = measured
    ? measuredPace(measured.training)
    : ceiling && ceilingPace(ceiling, { train, spec, vectors: vectorsOfRank(asked), context, ranks, recompute })
  return {
    version: 1,
    model: plan.architecture.name,
    parameters,
    data: { rows: o.rows!, dim: o.dim, article_rows: asked.size.articleRows, bytes: 4 * o.rows! * o.dim },
    ranks,
    processes,
    threads,
    counts,
    memory,
    wire: wire && { ...wire, network_gb_per_s: o.network, seconds: crossing && crossing.bytes / bytesPerSecond },
    time: pace === undefined ? null : plannedTime(pace, { train, counts, ranks, wire: crossing, bytesPerSecond, recompute }),
    time_note: note,
    checkpoint: {
      final_bytes: checkpoint.final,
      best_bytes: checkpoint.best,
      disk_bytes,
      seconds: measured?.training.save_seconds ?? null,
    },
    ceiling: ceiling ?? null,
    notes: notesOf(asked, memory, pace?.cpu_share ?? null),
  }
})
