import { join } from 'node:path'
import { type Baseline, fitBaselines } from '../../baselines/baselines-fit.js'
import { baselinesCache } from '../../baselines/kept-fits.js'
import { keptReader } from '../../baselines/kept-predictions.js'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import { readDocument, readHistory } from '../../checkpoint/run-documents.js'
import { findRun } from '../../checkpoint/run-folder.js'
import { CONFIG, type History } from '../../checkpoint/run-manifest.js'
import { longDoor } from '../../control.js'
import { openBeside } from '../../data/beside.js'
import { mainData, type WithData } from '../../data/given-data.js'
import { atOnce, makeWindows, shortestOf } from '../../data/windows.js'
import { callback, optional, withFields, words } from '../../door.js'
import { asLvmError, badOption } from '../../errors.js'
import { doctorFields, rolloutFields } from '../../evaluate/evaluate-fields.js'
import { type Document, writeEntries } from '../../evaluate/results-file.js'
import { type Rollout, rolloutOf } from '../../evaluate/rollout.js'
import { type Chosen, chooseRows, readsBack } from '../../evaluate/subject.js'
import { trainedShare } from '../../evaluate/trained-on.js'
import { native } from '../../native.js'
import { type Given, type Options, resolve } from '../../options.js'
import { rounds, stage } from '../../stages.js'
import type { Estimate } from '../../statistics/estimates.js'
import { call, Tensor } from '../../torch/tensor.js'
import type { Read } from './ablations.js'
import { factsOf } from './diagnose.js'
import { findingsOf, type Verdict, verdictOf } from './diagnosis-findings.js'
import type { Subject } from './examined-subject.js'
import type { Facts, Figure } from './facts.js'
import type { Finding } from './pattern.js'

export const DIAGNOSTICS = 'diagnostics.json'

/** Options of `diagnose`: the runs, and any field of `doctorFields`. */
export interface DiagnoseRunsOptions extends WithData<Given<typeof doctorFields>> {
  /** Folders of runs, or their names below `artifacts/lvm/models`. */
  readonly runs: readonly string[]
}

/** The type T with every estimate reduced to a figure, as written to diagnostics.json. */
type Written<T> = T extends Estimate ? Figure : T extends object ? { readonly [K in keyof T]: Written<T[K]> } : T

const isEstimate = (value: object): value is Estimate => 'mean' in value && 'ci95' in value && 'se' in value

function written<T>(value: T): Written<T> {
  const inner = (x: unknown): unknown => {
    if (typeof x !== 'object' || x === null) return x
    if (Array.isArray(x)) return x.map(inner)
    if (isEstimate(x)) return { value: x.mean, ci95: x.ci95 }
    return Object.fromEntries(Object.entries(x).map(([key, y]) => [key, inner(y)]))
  }
  return inner(value) as Written<T>
}

/** One run in diagnostics.json. */
export interface Diagnosis extends Written<Omit<Facts, 'rollout_to_mean' | 'settings'>> {
  readonly run: string
  readonly model: string
  /** SHA-256 of the weights file that was examined. */
  readonly weights_sha256: string
  readonly rows: string
  readonly n: number
  readonly seed: number
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly rollout: Pick<Rollout, 'memory' | 'windows' | 'articles' | 'steps'> | null
  readonly verdict: Verdict
  readonly findings: readonly Finding[]
}

/** Returns a function that predicts unit vectors from contexts, batch by batch. */
export const reader =
  (model: Model): Read =>
  async (x) => {
    const parts: Tensor[] = []
    const batch = atOnce(x.shape[1]!)
    for (let at = 0; at < x.shape[0]!; at += batch) {
      using some = await x.op('aten::narrow', 0, at, Math.min(batch, x.shape[0]! - at))
      parts.push(Tensor.wrap(await native.modelPredict(model.native, some.native, false)))
    }
    const all = (await call('aten::cat', [parts])) as Tensor
    for (const part of parts) part.dispose()
    return all
  }

/** Reads the history of a run; undefined if there is none, for example after an import. */
export async function historyOf({ folder }: Model): Promise<History | undefined> {
  try {
    return await readHistory(folder)
  } catch {
    return undefined
  }
}

/** Reads the settings of a run and its model; null if there are none, for example after an import. */
async function settingsOf({ folder }: Model): Promise<Facts['settings']> {
  try {
    const { model_options: model, ...config } = await readDocument(join(folder, CONFIG))
    return { ...config, ...(model as Record<string, unknown>) }
  } catch {
    return null
  }
}

/** Opens all windows of another file, for a model evaluated on `first`. Errors: those of openBeside. */
export async function otherRows({ manifest, contexts }: Model, { base: first }: Chosen, path: string, space: string | undefined) {
  const base = await openBeside(first, path, { space, normalize: first.normalized, judged: true })
  const windows = makeWindows(base, readsBack(manifest, contexts))
  return { base, windows, ids: Int32Array.from({ length: windows.count }, (_, i) => i) }
}

/** Rolls the model out; null when no article is long enough or the data is not a base. */
async function rolled(model: Model, o: Options<typeof doctorFields>, chosen: Chosen): Promise<Rollout | null> {
  if (o.steps === 0 || chosen.base.kind !== 'base') return null
  try {
    return await rolloutOf(model, chosen, resolve('rollout', rolloutFields, { rows: o.rows, steps: o.steps }))
  } catch (error) {
    if (asLvmError(error).code === 'DATA_TOO_FEW') return null
    throw error
  }
}

/** Returns a function that fits baselines once for all runs with the same training rows. */
function fitter() {
  let known: { key: string; baselines: Baseline[] } | undefined
  const dispose = () => {
    for (const baseline of known?.baselines ?? []) baseline.dispose()
  }
  return {
    async fit(train: Chosen['train']): Promise<readonly Baseline[]> {
      const key =
        train === undefined
          ? ''
          : `${train.base.hash} ${train.base.normalized} ${train.windows.context} ${shortestOf(train.windows)} ${train.ids}`
      if (known?.key === key) return known.baselines
      dispose()
      known = { key, baselines: await fitBaselines(train, { cache: baselinesCache() }) }
      return known.baselines
    },
    dispose,
  }
}

async function examine(
  model: Model,
  o: Options<typeof doctorFields>,
  fit: (train: Chosen['train']) => Promise<readonly Baseline[]>,
): Promise<Diagnosis> {
  const chosen = await chooseRows(model, o)
  let other: Awaited<ReturnType<typeof otherRows>> | undefined
  try {
    if (o.ood !== undefined) other = await otherRows(model, chosen, o.ood, o.space)
    const subject: Subject = {
      output: model.manifest.output,
      read: reader(model),
      predict: (rows) => keptReader(model, rows),
      history: await historyOf(model),
      settings: await settingsOf(model),
    }
    const made = await stage('rollout', () => rolled(model, o, chosen))
    const facts = await factsOf(subject, {
      rows: chosen,
      train: chosen.train,
      baselines: await stage('fit the baselines', () => fit(chosen.train)),
      leaky: chosen.split?.leaky === true,
      trainedOn: trainedShare(chosen, chosen.train),
      own: chosen.part === 'val' && chosen.split !== undefined,
      other: other && { path: o.ood!, rows: other },
      rolloutToMean: made?.steps.at(-1)?.cosine_mean_vector ?? null,
      seed: o.seed,
    })
    const findings = findingsOf(facts)
    const { rollout_to_mean, settings, ...figures } = facts
    const { base } = chosen
    return {
      run: model.name,
      model: model.manifest.model,
      weights_sha256: model.weights,
      verdict: verdictOf(findings, facts),
      findings,
      rows: chosen.part,
      n: chosen.ids.length,
      seed: o.seed,
      data: { path: base.path, hash: base.hash, space: base.space ?? null },
      ...written(figures),
      rollout: made && { memory: made.memory, windows: made.windows, articles: made.articles, steps: made.steps },
    }
  } finally {
    chosen.dispose()
    other?.base.dispose()
  }
}

type Say = (line: string) => void
type Diagnosed = Document<Diagnosis>
const ARGS = { options: withFields({ runs: words, data: optional(mainData) }), say: optional(callback) }

/**
 * Examines runs, reports known failure patterns, and writes diagnostics.json.
 *
 * Errors: those of load and of the data; DATA_TOO_FEW for a single window; DIVERGED when outputs are not finite.
 */
export const diagnose = longDoor('doctor', ARGS, async (options: DiagnoseRunsOptions, say?: Say): Promise<Diagnosed> => {
  const { runs, ...given } = options
  if (runs.length === 0) throw badOption('doctor', 'runs', 'at least one run', runs)
  const o = resolve('doctor', doctorFields, given)
  for (const run of runs) await findRun(run) // check all of them before the first one takes minutes
  const { fit, dispose } = fitter()
  const entries: Diagnosis[] = []
  try {
    for (const run of rounds(runs)) {
      say?.(`examining ${run}`)
      using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
      entries.push(await examine(model, o, fit))
    }
  } finally {
    dispose()
  }
  await writeEntries(o.out, DIAGNOSTICS, entries)
  return { version: 1, runs: entries }
})
