import { join } from 'node:path'
import { type Baseline, fitBaselines } from '../../baselines/baselines-fit.js'
import { baselinesCache } from '../../baselines/kept-fits.js'
import type { Model } from '../../checkpoint/model.js'
import { readDocument, readHistory } from '../../checkpoint/run-documents.js'
import { CONFIG, type History } from '../../checkpoint/run-manifest.js'
import { longDoor } from '../../control.js'
import { mainData, type WithData } from '../../data/given-data.js'
import { shortestOf } from '../../data/windows.js'
import { callback, optional, withFields } from '../../door.js'
import { asLvmError, badOption } from '../../errors.js'
import { doctorFields, rolloutFields } from '../../evaluate/evaluate-fields.js'
import { type Outsider, predictors } from '../../evaluate/outside/outsider.js'
import { type Document, writeEntries } from '../../evaluate/results-file.js'
import { type Rollout, rolledFunction, rolloutOf } from '../../evaluate/rollout.js'
import type { Chosen } from '../../evaluate/subject.js'
import { type Given, type Options, resolve } from '../../options.js'
import { rounds, stage } from '../../stages.js'
import type { Estimate } from '../../statistics/estimates.js'
import { nameOf, type OpenedPredictor, openPredictor, otherRows, requireRuns } from '../opened-predictor.js'
import { factsOf } from './diagnose.js'
import { findingsOf, type Verdict, verdictOf } from './diagnosis-findings.js'
import type { Subject } from './examined-subject.js'
import type { Facts, Figure } from './facts.js'
import type { Finding } from './pattern.js'

export const DIAGNOSTICS = 'diagnostics.json'

/** Options of `diagnose`: the runs, and any field of `doctorFields`. */
export interface DiagnoseRunsOptions extends WithData<Given<typeof doctorFields>> {
  /**
   * Folders of runs, or their names below `artifacts/lvm/models`; files of predictions (`NAME=FILE.npy`), and functions. The latter
   * are examined on the windows of the first run, or without one on those that they name.
   */
  readonly runs: readonly (string | Outsider)[]
}

type Asked = Options<typeof doctorFields>

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
  /** SHA-256 of the weights file, or file of predictions, that was examined; null for a function. */
  readonly weights_sha256: string | null
  /** What is not known of a predictor that is no run, and what a file cannot be asked; null for a run. */
  readonly note?: string | null
  readonly rows: string
  readonly n: number
  readonly seed: number
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly rollout: Pick<Rollout, 'memory' | 'windows' | 'articles' | 'steps'> | null
  readonly verdict: Verdict
  readonly findings: readonly Finding[]
}

/** Reads the history of a run; undefined if there is none, for example after an import. */
async function historyOf({ folder }: Model): Promise<History | undefined> {
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

/** Rolls a predictor out; null for a file, when no article is long enough or the data is not a base. */
async function rolled(of: OpenedPredictor, o: Asked): Promise<Rollout | null> {
  const { chosen, run, predict } = of
  if (o.steps === 0 || chosen.base.kind !== 'base' || predict === undefined) return null
  try {
    const rolling = run ?? rolledFunction(of.name, predict, chosen.windows)
    return await rolloutOf(rolling, chosen, resolve('rollout', rolloutFields, { rows: o.rows, steps: o.steps }))
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
  of: OpenedPredictor,
  o: Asked,
  fit: (train: Chosen['train']) => Promise<readonly Baseline[]>,
): Promise<Diagnosis> {
  const { chosen, run, predict } = of
  const asksOthers = o.ood !== undefined && predict !== undefined
  const other = asksOthers ? await otherRows(chosen, o.ood!, o.space) : undefined
  try {
    const subject: Subject = {
      output: of.output,
      read: predict,
      predict: of.read,
      history: run && (await historyOf(run)),
      settings: run === undefined ? null : await settingsOf(run),
    }
    const made = await stage('rollout', () => rolled(of, o))
    const trainedOn = of.trainedOn(chosen)
    const facts = await factsOf(subject, {
      rows: chosen,
      train: chosen.train,
      baselines: await stage('fit the baselines', () => fit(chosen.train)),
      leaky: chosen.split?.leaky === true,
      trainedOn,
      own: chosen.part === 'val' && chosen.split !== undefined,
      other: other && { path: o.ood!, rows: other },
      rolloutToMean: made?.steps.at(-1)?.cosine_mean_vector ?? null,
      seed: o.seed,
    })
    const findings = findingsOf(facts)
    const { rollout_to_mean: _, settings: __, ...figures } = facts
    return {
      run: of.name,
      model: of.model,
      weights_sha256: of.hash,
      note: of.note,
      verdict: verdictOf(findings, facts),
      findings,
      rows: chosen.part,
      n: chosen.ids.length,
      seed: o.seed,
      data: { path: chosen.base.path, hash: chosen.base.hash, space: chosen.base.space ?? null },
      ...written(figures),
      rollout: made && { memory: made.memory, windows: made.windows, articles: made.articles, steps: made.steps },
    }
  } finally {
    other?.base.dispose()
  }
}

/** What doctor cannot ask of a file. */
const UNASKED = 'changed contexts, training rows, other data and a rollout'

type Say = (line: string) => void
type Diagnosed = Document<Diagnosis>
const ARGS = { options: withFields({ runs: predictors, data: optional(mainData) }), say: optional(callback) }

/**
 * Examines runs, reports known failure patterns, and writes diagnostics.json.
 *
 * Errors: those of load and of the data; DATA_TOO_FEW for a single window; DIVERGED when outputs are not finite.
 */
export const diagnose = longDoor('doctor', ARGS, async (options: DiagnoseRunsOptions, say?: Say): Promise<Diagnosed> => {
  const { runs, ...given } = options
  if (runs.length === 0) throw badOption('doctor', 'runs', 'at least one run', runs)
  const o = resolve('doctor', doctorFields, given)
  await requireRuns(runs)
  const { fit, dispose } = fitter()
  const entries: Diagnosis[] = []
  try {
    for (const one of rounds(runs, nameOf)) {
      say?.(`examining ${nameOf(one)}`)
      const of = await openPredictor(one, runs, o, UNASKED)
      try {
        entries.push(await examine(of, o, fit))
      } finally {
        of.dispose()
      }
    }
  } finally {
    dispose()
  }
  await writeEntries(o.out, DIAGNOSTICS, entries)
  return { version: 1, runs: entries }
})
