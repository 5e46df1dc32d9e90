import { join, resolve } from 'node:path'
import { type RunDetails, showRun } from '../checkpoint/list-runs.js'
import { readManifest } from '../checkpoint/manifest.js'
import { runNames } from '../checkpoint/run-folder.js'
import { type HistoryRow, type RunManifest, SPLIT, type Stretch, type Weights, weightsFile } from '../checkpoint/run-manifest.js'
import type { LrTest } from '../checkpoint/tested-settings.js'
import type { RunEntry } from '../evaluate/results-file.js'
import { judgeTiers, type TierName, type Verdict } from '../evaluate/tiers.js'
import { wasTrainedOn } from '../evaluate/trained-on.js'
import { type StepPoint, stepsOf } from './step-curves.js'
import { leastShare } from './timings.js'

/** A number with the file and key that it was read from. */
export interface Sourced {
  readonly value: number
  readonly file: string
  readonly key: string
}

/** Provenance of a run's figures: weights, split and data with their SHA-256. */
export interface Lineage {
  readonly weights_file: string
  readonly weights_sha256: string
  readonly manifest_digest: string
  readonly spec_hash: string
  readonly split: RunManifest['split']
  readonly split_sha256: string | null
  readonly data: RunManifest['data']
}

/** One run of a report. */
export interface ReportedRun {
  readonly run: string
  readonly model: string | null
  readonly state: RunDetails['state']
  readonly problem: RunDetails['problem']
  readonly parameters: number | null
  readonly weights_bytes: number | null
  /** Dimension of a vector; `context` is the number of vectors in a context. */
  readonly dim: number | null
  readonly context: number | null
  /** How far back contexts reach, and the fewest vectors of one; null when all have `context`. */
  readonly reach: number | 'article' | null
  readonly min_history: number | null
  readonly train_seconds: number | null
  /** Smallest share of the processor time that an epoch got; null when it is not known. */
  readonly cpu_share: number | null
  readonly best_epoch: number | null
  readonly epochs: number | null
  /** Weights that are evaluated, raw or average; null without averaging. */
  readonly weights_kept: Weights | null
  /** Extensions of the schedule beyond its first plan. */
  readonly extended: readonly Stretch[]
  /** Whether at least one epoch has ended, so that the weights are trained. */
  readonly ended: boolean
  /** Loss of the best epoch: from validation_results.json if it has these weights on the validation rows, else from the training. */
  readonly val_loss: Sourced | null
  readonly val_cosine: Sourced | null
  readonly tiers: Readonly<Record<TierName, Verdict>> | null
  readonly lineage: Lineage | null
  readonly seed: number | null
  readonly hardware: {
    readonly device: string
    readonly cpu: string | null
    readonly threads: number
    readonly precision: string
    readonly multiplier: string
  } | null
  readonly versions: RunManifest['versions'] | null
  readonly command_line: readonly string[] | null
  readonly config: Readonly<Record<string, unknown>>
  readonly history: readonly HistoryRow[]
  /** Curves by step, from metrics.jsonl. */
  readonly steps: readonly StepPoint[]
  /** Range test that chose the learning rate; null without one. */
  readonly lr_test: LrTest | null
  /** Entry of validation_results.json, if it is about these weights. */
  readonly validation: RunEntry | null
  /** Reason for a missing entry. */
  readonly validation_note: string | null
}

/** Accepts an entry of validation_results.json only if it is about these weights. */
function ofTheseWeights(
  entry: RunEntry | undefined,
  weights: string | undefined,
): Pick<ReportedRun, 'validation' | 'validation_note'> {
  if (entry === undefined) return { validation: null, validation_note: 'not evaluated yet; run: lvm-torch evaluate' }
  // Entries of earlier versions have a verdict on windows that were trained on; it is dropped.
  const judged = wasTrainedOn(entry) ? { ...entry, skill: null, tiers: null } : entry
  if (entry.weights_sha256 === weights) return { validation: judged, validation_note: null }
  const what = entry.weights_sha256 === undefined ? 'does not name the weights that it evaluated' : 'is about other weights'
  return { validation: null, validation_note: `validation_results.json ${what}; run evaluate again` }
}

const of = (value: number | null | undefined, file: string, key: string): Sourced | null =>
  value === null || value === undefined ? null : { value, file, key }

/** Whether a run's own loss can stand beside the squared errors of others. */
const isSquaredError = (config: RunDetails['config']) => !String(config.loss).endsWith('contrastive')

/** Returns loss and cosine of the matrix with their sources. */
function shownFigures({ history, best_epoch, config }: RunDetails, validation: RunEntry | null) {
  if (validation?.rows === 'val') {
    const loss = validation.output === 'raw' ? 'mse_raw' : 'mse_unit'
    const entry = `runs[run=${validation.run}]`
    return {
      val_loss: of(validation[loss], 'validation_results.json', `${entry}.${loss}`),
      val_cosine: of(validation.cosine.mean, 'validation_results.json', `${entry}.cosine.mean`),
    }
  }
  const at = history.findIndex(({ epoch }) => epoch === best_epoch)
  return {
    val_loss: isSquaredError(config) ? of(history[at]?.val_loss, 'training_history.json', `history[${at}].val_loss`) : null,
    val_cosine: of(history[at]?.val_cosine, 'training_history.json', `history[${at}].val_cosine`),
  }
}

/** Whether an evaluation is about a run: it names the run by its name below artifacts/lvm/models, or by its path. */
export const speaksOf = (called: string, root: string, name: string): boolean =>
  called === name || resolve(called) === resolve(root, name)

const tiersOf = ({ train_seconds, weights_bytes }: RunManifest, { val_loss, val_cosine }: ReturnType<typeof shownFigures>) =>
  judgeTiers({ val_loss: val_loss?.value ?? null, val_cosine: val_cosine?.value ?? null, train_seconds, weights_bytes })

function lineageOf(manifest: RunManifest): Lineage {
  const weights_file = weightsFile(manifest)
  return {
    weights_file,
    weights_sha256: manifest.files[weights_file]!.sha256,
    manifest_digest: manifest.digest,
    spec_hash: manifest.spec_hash,
    split: manifest.split,
    split_sha256: manifest.files[SPLIT]?.sha256 ?? null,
    data: manifest.data,
  }
}

function hardwareOf(manifest: RunManifest): NonNullable<ReportedRun['hardware']> {
  const { device, threads, precision, multiplier, golden } = manifest
  const engine = golden.engines[weightsFile(manifest).replace(/\.(pt|safetensors)$/, '')]
  return { device, cpu: engine?.cpu ?? null, threads, precision, multiplier }
}

async function readRun(root: string, name: string, entries: readonly RunEntry[], deep: boolean): Promise<ReportedRun> {
  const run = await showRun(join(root, name), root, { deep })
  const manifest = run.generation !== null ? ((await readManifest(join(root, name))).manifest as RunManifest) : undefined
  const weights = manifest && weightsFile(manifest)
  const entry = entries.find((e) => speaksOf(e.run, root, name))
  const validated = ofTheseWeights(entry && { ...entry, run: name }, weights && manifest?.files[weights]?.sha256)
  const figures = shownFigures(run, validated.validation)
  const ended = manifest !== undefined && (run.best_epoch !== null || manifest.progress === null)
  return {
    run: name,
    model: run.model,
    state: run.state,
    problem: run.problem,
    parameters: run.parameters,
    weights_bytes: manifest?.weights_bytes ?? null,
    dim: manifest?.dim ?? null,
    context: manifest?.context ?? null,
    reach: manifest?.history ?? null,
    min_history: manifest?.min_history ?? null,
    train_seconds: manifest?.train_seconds ?? null,
    cpu_share: leastShare(run.history.map(({ cpu_share }) => cpu_share)),
    best_epoch: run.best_epoch,
    epochs: run.epochs,
    weights_kept: manifest?.ema_rule ? (manifest.weights_kept ?? null) : null,
    extended: run.extended,
    ended,
    ...figures,
    tiers: manifest && ended ? tiersOf(manifest, figures) : null,
    lineage: manifest ? lineageOf(manifest) : null,
    seed: manifest?.seed ?? null,
    hardware: manifest ? hardwareOf(manifest) : null,
    versions: manifest?.versions ?? null,
    command_line: manifest?.command_line ?? null,
    config: run.config,
    history: run.history,
    steps: await stepsOf(join(root, name)),
    lr_test: manifest?.progress?.lr_test ?? null,
    ...validated,
  }
}

/** Reads the runs below a folder, or the named ones; `deep` verifies every byte of them. */
export async function readRuns(
  root: string,
  entries: readonly RunEntry[],
  { only, deep = false }: { only?: readonly string[] | undefined; deep?: boolean } = {},
): Promise<ReportedRun[]> {
  const names = only ?? (await runNames(root))
  const runs: ReportedRun[] = []
  for (const name of names) runs.push(await readRun(root, name, entries, deep))
  return runs
}
