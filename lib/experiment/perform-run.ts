import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunDetails } from '../checkpoint/list-runs.js'
import { ERRORS, type ErrorCode, LvmError } from '../errors.js'
import { lockHolder } from '../files/lock.js'
import { type Ended, runVerb } from '../sweep/sweep-child.js'
import { standing, trainChild } from '../sweep/train-child.js'
import type { TrainEvent } from '../train/train-events.js'
import type { Failure, Job, RunEnd, Told } from './journal-entry.js'
import { METRICS, readMetric } from './metric.js'
import type { ExperimentPlan } from './read-plan.js'

/** What a run needs from the experiment. */
export interface Bench {
  readonly plan: ExperimentPlan
  readonly folder: string
  readonly dataHash: string
  /** CPU threads of each training; undefined for the default of train. */
  readonly threads: number | undefined
  readonly signal: AbortSignal | undefined
  /** Time left of the budget. Units: s. */
  readonly left: () => number | undefined
  /** Failed attempts of a run in the journal. */
  readonly failures: (job: Job) => number
  readonly append: (told: Told) => void
  readonly hear: (job: Job, event: TrainEvent) => void
  readonly waiting: (job: Job, pid: number) => void
  /** Resolves when another run has ended, at once when there is none. */
  readonly another: () => Promise<void>
}

export const runsOf = (folder: string): string => join(folder, 'runs')
export const evaluationOf = (folder: string, id: string): string => join(folder, 'evaluation', id)

/** Errors that every further run would have too: the experiment stops, and continues when they are mended. */
const STOPPING = /^(NO_DISK|FILE_|LIBTORCH_|ADDON_|DEVICE_|SPACE_|GATE_FAILED|DATA_(?!TOO_FEW))/
/** Errors that depend on what else the machine does. */
const BY_CHANCE = /^(SIG[A-Z]+|OUT_OF_MEMORY|OPEN_FILES|INTERNAL|NATIVE|BAD_CHECKPOINT|TERMINATED)$/
/** Errors after which another attempt waits for the end of a concurrent run; Linux ends processes by SIGKILL when memory runs out. */
const SHORT_OF_MEMORY = ['OUT_OF_MEMORY', 'SIGKILL']

const whyFinal = (code: string): string =>
  code === 'DIVERGED'
    ? 'the same options and seed diverge at the same step again'
    : code.startsWith('BAD_') || code === 'DATA_TOO_FEW'
      ? 'the same options are refused again'
      : 'another attempt has the same end'

/** Waits until no process writes the run: after kill -9 of the experiment its child saves, and ends with its next output. */
async function untouched(job: Job, { folder, signal, waiting }: Bench): Promise<void> {
  for (let told = false; !signal?.aborted; told = true) {
    const holder = await lockHolder(join(runsOf(folder), job.id))
    if (holder === undefined) return
    if (!told) waiting(job, holder.pid)
    await sleep(200)
  }
}

const CONFIG_KEY = { epochs: 'epochs', maxSteps: 'max_steps' } as const

/** Whether a complete run is as long as this round asks. */
const isLongEnough = ({ length }: Job, { halving }: ExperimentPlan, details: RunDetails | undefined): boolean =>
  length === null || Number(details?.config[CONFIG_KEY[halving!.resource]] ?? 0) >= length

async function train(job: Job, bench: Bench): Promise<Ended | 'found'> {
  const { plan, folder, threads, dataHash } = bench
  const found = await standing(runsOf(folder), job.id)
  const { details } = found
  const isForeign = details?.data_hash != null && details.data_hash !== dataHash // the data changed while it was trained
  const stands = isForeign ? 'damaged' : found.stands
  const enough = isLongEnough(job, plan, details)
  if (stands === 'ended' && enough) return 'found'
  const length = job.length === null ? {} : { [plan.halving!.resource]: job.length }
  const isCosine = details?.config.lr_schedule === 'warmup-cosine'
  const longer = { ...length, ...(isCosine && { extend: 'replan' }) }
  const goesOn = stands === 'begun' || (stands === 'ended' && plan.halving?.promote === 'resume')
  const modelFile = plan.own.find(({ architecture }) => architecture.name === job.model)?.file
  const options = { ...(threads !== undefined && { threads }), ...job.options, ...length, seed: job.seed }
  return trainChild(
    { model: job.model, modelFile, run: job.id, out: runsOf(folder), data: plan.data, options },
    {
      resume: goesOn && (enough || plan.halving?.promote === 'resume') ? (enough ? {} : longer) : undefined,
      overwrite: stands !== 'none',
      signal: bench.signal,
      seconds: bench.left(),
      hear: (event) => bench.hear(job, event),
    },
  )
}

/** Computes the metric of a trained run, unless the results are there. */
async function measure(job: Job, bench: Bench): Promise<{ score: number | null; ended?: Ended }> {
  const { plan, folder } = bench
  const { verb } = METRICS[plan.metric]
  if (verb === null) {
    const { details } = await standing(runsOf(folder), job.id)
    return { score: details?.[plan.metric as 'val_loss' | 'val_cosine'] ?? null }
  }
  const out = join(evaluationOf(folder, job.id), `round-${job.rung}`)
  const known = await readMetric(out, job.id, plan.metric)
  if (known !== undefined) return { score: known }
  const more = verb === 'evaluate' ? ['--latency=0'] : ['--failures=0']
  const ended = await runVerb([verb, join(runsOf(folder), job.id), `--out=${out}`, ...more], { signal: bench.signal })
  return { score: ended.error === null ? ((await readMetric(out, job.id, plan.metric)) ?? null) : null, ended }
}

/** Stops the experiment for an error that is not of this run. */
function requireSound(error: Failure | null): void {
  if (error === null || !STOPPING.test(error.code)) return
  const general = 'options of train belong below "fixed" of the plan; the same command continues'
  const hint = error.code in ERRORS ? `${ERRORS[error.code as ErrorCode].hint}; ${general}` : undefined
  throw new LvmError(error.code as ErrorCode, error.message, hint === undefined ? {} : { hint })
}

const changedData = (data: string, isSame: boolean): Failure | null =>
  isSame
    ? null
    : { code: 'DATA_CHANGED', message: `${data}: expected the file to stay unchanged during the experiment but it was modified` }

/** Trains and measures one run until it has an end; undefined when it was stopped with a checkpoint. */
export async function performRun(job: Job, bench: Bench): Promise<RunEnd | undefined> {
  const { plan, folder } = bench
  let seconds = 0
  for (let attempts = bench.failures(job) + 1; ; ) {
    await untouched(job, bench)
    if (bench.signal?.aborted) return undefined
    const trained = await train(job, bench)
    const found = trained === 'found'
    if (!found && trained.error?.code === 'RUN_LOCKED') continue // a child of a killed experiment was faster
    const measured = found || (trained.error === null && trained.stopped === null) ? await measure(job, bench) : undefined
    const last = measured?.ended ?? (found ? undefined : trained)
    seconds += (found ? 0 : trained.seconds) + (measured?.ended?.seconds ?? 0)
    if (last?.stopped) {
      bench.append({ type: 'pause', id: job.id, rung: job.rung, why: last.stopped, seconds })
      return undefined
    }
    const code = last?.exit === 143 || last?.exit === 130 ? 'TERMINATED' : last?.error?.code
    const none = measured !== undefined && measured.score === null
    const error: Failure | null =
      code !== undefined
        ? { code, message: last?.error?.message ?? 'the training was stopped from outside' }
        : none
          ? { code: 'DATA_TOO_FEW', message: `the run has no ${plan.metric}` }
          : null
    requireSound(error)
    if (error !== null && BY_CHANCE.test(error.code) && attempts <= plan.retries) {
      bench.append({ type: 'attempt', id: job.id, rung: job.rung, error, seconds })
      if (SHORT_OF_MEMORY.includes(error.code)) await bench.another()
      attempts++
      continue
    }
    const { details } = await standing(runsOf(folder), job.id)
    if (details?.data_hash != null) requireSound(changedData(plan.data, details.data_hash === bench.dataHash))
    return {
      type: 'run',
      ...job,
      state: error === null ? 'done' : 'failed',
      score: error === null ? measured!.score : null,
      val_loss: details?.val_loss ?? null,
      val_cosine: details?.val_cosine ?? null,
      best_epoch: details?.best_epoch ?? null,
      epochs: details?.epochs ?? null,
      parameters: details?.parameters ?? null,
      attempts,
      seconds,
      found,
      error,
      final:
        error === null ? null : BY_CHANCE.test(error.code) ? `${plan.retries} further attempts failed too` : whyFinal(error.code),
    }
  }
}
