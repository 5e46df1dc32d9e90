import { type BaselineResults, baselineResults } from '../baselines/baselines.js'
import { contexts, type Rows, samplesOf } from '../baselines/baselines-rows.js'
import type { Model } from '../checkpoint/model.js'
import type { Base } from '../data/base.js'
import { lengthOf, lengthsOf } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { watchCpuShare } from '../libtorch/cpu-share.js'
import { type NativeModel, native, type Scores } from '../native.js'
import { stage } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import { measureLatency, peakMemory } from './latency.js'
import { type Metrics, metrics } from './metrics.js'
import type { RunEntry, Speed } from './results-file.js'
import { judgedData } from './subject.js'
import { judgeTiers } from './tiers.js'

/** A loaded run, with facts from its files. */
export interface Subject {
  readonly run: string
  readonly model: string
  readonly handle: NativeModel
  readonly device: string
  /** Output that the training loss was computed on. */
  readonly output: 'raw' | 'unit'
  readonly parameters: number
  /** SHA-256 of the weights file. */
  readonly weights: string
  readonly weightsBytes: number
  readonly fileBytes: number | null
  readonly trainSeconds: number | null
  readonly loadMs: number | null
}

/** Windows of an opened base, with their description for tables. */
export interface JudgedRows extends Rows {
  readonly base: Rows['base'] & Pick<Base, 'path' | 'space' | 'contentHash'>
  /** train, val, test or all. */
  readonly part: string
  readonly split: RunEntry['split']
  /** Whether the best epoch was chosen on these windows. */
  readonly selectedOn: boolean
  /** Share of these windows that the run was trained on. */
  readonly trainedOn: number | null
}

/** Batch sizes that are timed, and the maximum number of vectors in a batch. */
const [BATCHES, VECTORS] = [[1, 8, 32, 128], 2 ** 17] as const

/** Measures load time, latency and memory of a loaded run, on the longest contexts of these rows. */
export async function measureSpeed(
  subject: Pick<Subject, 'handle' | 'device' | 'loadMs'>,
  rows: Rows,
  seconds: number,
): Promise<Speed> {
  const { longest: context } = lengthsOf(rows.windows, rows.ids)
  const longest = rows.ids.filter((id) => lengthOf(rows.windows, id) === context)
  const batches = BATCHES.filter((batch) => batch === 1 || batch * context <= VECTORS)
  const inputs = new Map<number, Tensor>()
  for (const batch of batches) {
    const ids = Int32Array.from({ length: batch }, (_, i) => longest[i % longest.length]!)
    inputs.set(batch, await contexts(rows, ids, context))
  }
  const run = async (batch: number) => {
    using output = Tensor.wrap(await native.modelPredict(subject.handle, inputs.get(batch)!.native, false))
    await output.data() // GPU work is asynchronous; reading the output waits for it
  }
  const share = watchCpuShare()
  const timed = await measureLatency(run, { seconds, batches })
  const cpu_share = share()
  for (const input of inputs.values()) input.dispose()
  return {
    device: subject.device,
    threads: native.threads(),
    load_ms: subject.loadMs,
    context,
    batches: timed,
    cpu_share,
    peak_memory_bytes: peakMemory(),
  }
}

/** Scores of a run and of the baselines, with one value for each window. */
export interface Scored {
  readonly scores: Scores
  readonly articles: Int32Array
  readonly baselines: BaselineResults
}

/** Appends the parts to each other. */
export function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Scores of windows that were judged in turn. */
export function joinScores(parts: readonly Scores[]): Scores {
  const keys = Object.keys(parts[0]!) as (keyof Scores)[]
  return Object.fromEntries(keys.map((key) => [key, joined(parts.map((part) => part[key]))])) as unknown as Scores
}

/** Scores a run, or a predictor with `predictions`, and the baselines on windows. Errors: DATA_TOO_FEW without windows. */
export async function scoreRun(
  subject: Pick<Subject, 'run'> & Partial<Pick<Subject, 'handle'>>,
  rows: JudgedRows,
  o: EvaluateOptions,
): Promise<Scored> {
  if (rows.ids.length === 0)
    throw new LvmError('DATA_TOO_FEW', `${subject.run}: expected ${rows.part} rows to evaluate but there are none`)
  const samples = samplesOf(rows)
  try {
    const baselines = await stage('baselines', () =>
      baselineResults({
        train: o.train,
        rows,
        cache: o.cache,
        say: o.say,
        scorer: (raw, ids, centre) => native.score(raw.native, samples, ids, centre?.native ?? null),
      }),
    )
    using centre = baselines.centre && Tensor.from(baselines.centre)
    const known = await o.predictions?.()
    using raw = known && Tensor.from(known, [rows.ids.length, rows.windows.dim])
    const middle = centre?.native ?? null
    const scoreBlocks = async (blocks: () => AsyncIterable<Tensor>) => {
      const parts: Scores[] = []
      let at = 0
      for await (const block of blocks()) {
        using some = block
        const count = some.shape[0]!
        parts.push(await native.score(some.native, samples, rows.ids.subarray(at, at + count), middle))
        at += count
      }
      return joinScores(parts)
    }
    const scores = await stage(raw === undefined ? 'predict and score' : 'score', () => {
      if (raw !== undefined) return native.score(raw.native, samples, rows.ids, middle)
      if (o.blocks !== undefined) return scoreBlocks(o.blocks)
      return native.evaluate(subject.handle!, samples, rows.ids, { batch: o.batch, centre: middle })
    })
    o.onCosines?.(scores.cosine)
    return { scores, articles: rows.ids.map((id) => rows.windows.article[id]!), baselines }
  } finally {
    native.dispose(samples)
  }
}

export interface EvaluateOptions {
  /** Windows that the baselines are fitted on: training windows, never the evaluated ones. */
  readonly train: Rows | undefined
  /** Windows in one forward pass. */
  readonly batch: number
  /** Returns the predictions for all rows, if they are kept. Shapes: [ids, dim]. */
  readonly predictions?: () => Promise<Float32Array | undefined>
  /** Returns predictions that other ranks share, in blocks, where they are not kept. Shapes: [some of the ids, dim]. */
  readonly blocks?: (() => AsyncIterable<Tensor>) | undefined
  /** Cache folder of the baselines. */
  readonly cache?: string | undefined
  /** Seconds of timing per batch size; 0 skips latency. */
  readonly latency: number
  readonly seed?: number
  /** Called with a message before each slow step. */
  readonly say?: (line: string) => void
  /** Receives the cosine of each window, in the order of the ids. */
  readonly onCosines?: (cosine: Float64Array) => void
}

/** A loaded run as a subject. */
export const subjectOf = (model: Model): Subject => ({
  run: model.name,
  model: model.manifest.model,
  handle: model.native,
  device: model.device,
  output: model.manifest.output,
  parameters: model.manifest.parameters,
  weights: model.weights,
  weightsBytes: model.manifest.weights_bytes,
  fileBytes: model.fileBytes,
  trainSeconds: model.manifest.train_seconds,
  loadMs: model.loadMs,
})

type About = Pick<Subject, 'run' | 'model' | 'output' | 'parameters' | 'weights' | 'weightsBytes' | 'fileBytes' | 'trainSeconds'>

/** Entry of a document: metrics with the facts of the run and its windows. */
export function entryOf(
  subject: About,
  from: Required<Pick<RunEntry, 'rows' | 'split' | 'selected_on' | 'trained_on' | 'contexts' | 'data'>>,
  judged: Metrics,
  latency: Speed | null,
): RunEntry {
  const { output, weightsBytes, trainSeconds } = subject
  const seen = (from.trained_on ?? 0) > 0
  return {
    run: subject.run,
    model: subject.model,
    rows: from.rows,
    split: from.split,
    selected_on: from.selected_on,
    trained_on: from.trained_on,
    contexts: from.contexts,
    data: from.data,
    output,
    parameters: subject.parameters,
    weights_sha256: subject.weights,
    ...judged,
    skill: seen ? null : judged.skill,
    train_seconds: trainSeconds,
    latency,
    size: { weights_bytes: weightsBytes, file_bytes: subject.fileBytes },
    tiers: seen
      ? null
      : judgeTiers({
          val_loss: output === 'raw' ? judged.mse_raw : judged.mse_unit,
          val_cosine: judged.cosine.mean,
          train_seconds: trainSeconds,
          weights_bytes: weightsBytes,
        }),
    libtorch: native.libtorchVersion(),
  }
}

/**
 * Evaluates one run on the given windows (phase 1 of the specification): errors, cosines with intervals, skill against the baselines,
 * speed, size and tiers.
 *
 * Errors: DATA_TOO_FEW without windows; DIVERGED when the model's outputs are not finite.
 */
export async function evaluateRun(subject: Subject, rows: JudgedRows, options: EvaluateOptions): Promise<RunEntry> {
  const { base } = rows
  const scored = await scoreRun(subject, rows, options)
  const judged = await metrics({ ...scored, output: subject.output, seed: options.seed ?? 0 })
  const from = {
    rows: rows.part,
    split: rows.split,
    selected_on: rows.selectedOn,
    trained_on: rows.trainedOn,
    contexts: lengthsOf(rows.windows, rows.ids),
    data: await judgedData(base),
  }
  const speed = options.latency > 0 ? await stage('latency', () => measureSpeed(subject, rows, options.latency)) : null
  return entryOf(subject, from, judged, speed)
}
