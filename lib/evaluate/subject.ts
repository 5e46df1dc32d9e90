import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Rows, samplesOf } from '../baselines/baselines-rows.js'
import { readManifest } from '../checkpoint/manifest.js'
import type { Model } from '../checkpoint/model.js'
import { findRun, runName } from '../checkpoint/run-folder.js'
import { type RunManifest, SPLIT } from '../checkpoint/run-manifest.js'
import type { Base } from '../data/base.js'
import { type Beside, openBeside } from '../data/beside.js'
import type { JudgedData } from '../data/content-hash.js'
import type { Split } from '../data/split.js'
import { loadSplit } from '../data/split-file.js'
import { atOnce, makeWindows, type Reach, type Windows } from '../data/windows.js'
import { badOption } from '../errors.js'
import { native } from '../native.js'
import type { Options } from '../options.js'
import { type Contexts, contextsOf } from '../spec/contexts.js'
import { stage } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import type { predictFields } from './evaluate-fields.js'
import { trainedShare } from './trained-on.js'

/** Windows that a run is evaluated on. */
export interface Chosen {
  readonly base: Base
  readonly windows: Windows
  readonly ids: Int32Array
  /** listed: the rows that a file of predictions lists. */
  readonly part: 'train' | 'val' | 'test' | 'all' | 'listed'
  readonly split: Split | undefined
  /** How far back the contexts reach; absent for windows that no run asked for. */
  readonly reach?: Reach
  /** Whether the best epoch was chosen on any of these windows. */
  readonly selectedOn: boolean
  /** Training windows, on which baselines may be fitted; undefined when the data is not the training data. */
  readonly train: { base: Base; windows: Windows; ids: Int32Array } | undefined
  dispose(): void
}

/** Returns a function that computes a model's raw outputs for windows. */
export const windowReader =
  (model: Model) =>
  ({ base, windows }: Pick<Rows, 'base' | 'windows'>) =>
  async (ids: Int32Array): Promise<Tensor> => {
    const samples = samplesOf({ base, windows })
    try {
      return Tensor.wrap(await stage('predict', () => native.predict(model.native, samples, ids, atOnce(windows.context))))
    } finally {
      native.dispose(samples)
    }
  }

/** A report's description of the evaluated windows. */
export interface Provenance {
  /** listed: the rows that a file of predictions lists; folds: the test parts of all folds. */
  readonly rows: Chosen['part'] | 'folds'
  readonly split: { readonly mode: string; readonly leaky: boolean; readonly seed: number } | null
  /** Whether the best epoch was chosen on these windows. */
  readonly selected_on: boolean
  /** Share of these windows that were used for training; null when the data is not the training data. */
  readonly trained_on: number | null
  /** Up to how many vectors a context has, and the fewest; null when all have as many. */
  readonly history: number | 'article' | null
  readonly min_history: number | null
  readonly data: JudgedData
}

type Hashed = Pick<Base, 'path' | 'hash' | 'space' | 'contentHash'>
/** The vectors that were evaluated. */
export const judgedData = async ({ path, hash, space, contentHash }: Hashed): Promise<JudgedData> => ({
  path,
  hash,
  content_hash: await contentHash(),
  space: space ?? null,
})

/** All of a report's description but the vectors, which have to be hashed. */
export const circumstances = ({ windows, ids, part, split, selectedOn, train, reach }: Chosen): Omit<Provenance, 'data'> => ({
  rows: part,
  split: split ? { mode: split.mode, leaky: split.leaky, seed: split.seed } : null,
  selected_on: selectedOn,
  trained_on: trainedShare({ windows, ids }, train),
  history: reach?.history ?? null,
  min_history: reach?.history === undefined ? null : (reach.minHistory ?? null),
})
export const provenance = async (chosen: Chosen): Promise<Provenance> => ({
  ...circumstances(chosen),
  data: await judgedData(chosen.base),
})

/** The chosen windows as `evaluateRun` takes them, with the windows for baselines and the batch size. */
export function judgedRows(chosen: Chosen) {
  const { rows: part, split, selected_on: selectedOn, trained_on: trainedOn } = circumstances(chosen)
  const { base, windows, ids, train } = chosen
  return { rows: { base, windows, ids, part, split, selectedOn, trainedOn }, train, batch: atOnce(windows.context) }
}

type Asked = Pick<Options<typeof predictFields>, 'data' | 'space' | 'normalize' | 'rows'>

const all = (windows: Windows) => Int32Array.from({ length: windows.count }, (_, i) => i)

/** How far back a run reads; a model with a bound reads the last vectors of a longer article, as many as in its training at most. */
export function readsBack({ context, history, min_history: minHistory }: RunManifest, { longest }: Contexts): Reach {
  return { context, history: history === 'article' && longest < Infinity ? context : history, minHistory }
}

/** What is known of a run without its weights. */
export type Described = Pick<Model, 'manifest' | 'folder' | 'name' | 'contexts'>

/** Reads a run's manifest. Errors: RUN_MISSING, BAD_CHECKPOINT. */
export async function describeRun(run: string): Promise<Described> {
  const folder = await findRun(run)
  const manifest = (await readManifest(folder)).manifest as RunManifest
  return { folder, name: runName(folder), manifest, contexts: contextsOf(manifest.spec) }
}

/** The vectors that a run was trained on, which others of a command must fit; `space` is that of an imported run. */
export const trainingVectors = (
  {
    manifest: { data, space: imported, dim },
    name,
  }: Pick<Described, 'name'> & { readonly manifest: Pick<RunManifest, 'data' | 'space' | 'dim'> },
  space: string | undefined,
): Beside => ({
  path: data?.path ?? name,
  hash: data?.hash,
  space: data?.space ?? imported ?? space,
  encoder: data?.encoder ?? undefined,
  dim,
  content: data ?? undefined,
})

/** Opens data for a run, and checks it against the space and dimension of its training data. */
async function openFor({ manifest, name, contexts }: Described, path: string, { normalize, space }: Asked) {
  const first = trainingVectors({ manifest, name }, space)
  const cross = manifest.split?.mode === 'windows'
  const reach = readsBack(manifest, contexts)
  const open = async (file: string, part?: 'val') => {
    const base = await openBeside(first, file, {
      space,
      normalize: normalize || manifest.data?.normalized === true,
      part,
      judged: true,
    })
    return { base, windows: makeWindows(base, reach, { cross }), reach }
  }
  return { main: await open(path), open }
}

/**
 * Chooses the windows to evaluate a run on: its saved validation rows if the data is the training data, otherwise all rows.
 *
 * Errors: BAD_OPTION for rows that the run does not have; those of openBeside for data of another encoder or dimension.
 */
export async function chooseRows(model: Described, asked: Asked): Promise<Chosen> {
  const { manifest, folder, name } = model
  const own = manifest.data
  const path = asked.data ?? own?.path
  if (path === undefined)
    throw badOption(name, 'data', 'a file of vectors, because the run was imported,', undefined, 'add --data FILE')
  const { main, open } = await openFor(model, path, asked)
  const opened = [main.base]
  const dispose = () => {
    for (const base of opened) base.dispose()
  }
  try {
    const same = own !== null && own.hash === main.base.hash && existsSync(join(folder, SPLIT))
    if (!same) {
      if (asked.rows !== 'auto' && asked.rows !== 'all')
        throw badOption(name, 'rows', 'all, because the data is not the training data of the run,', asked.rows)
      return { ...main, ids: all(main.windows), part: 'all', split: undefined, selectedOn: false, train: undefined, dispose }
    }
    const val = own.val === null ? undefined : await open(own.val.path, own.val.hash === own.hash ? 'val' : undefined)
    if (val !== undefined) opened.push(val.base)
    const split = await loadSplit(join(folder, SPLIT), main, val)
    const part = asked.rows === 'auto' ? (split.fold === undefined ? 'val' : 'test') : asked.rows
    const chosen = part === 'val' ? (val ?? main) : main
    const ids = part === 'all' ? all(main.windows) : part === 'test' ? split.test : split[part]
    if (ids === undefined || ids.length === 0)
      throw badOption(name, 'rows', 'a part that the run set aside', asked.rows, 'train with --test 0.1 to set a test part aside')
    const selectedOn = (part === 'val' || part === 'all') && manifest.progress?.best !== null
    return { ...chosen, ids, part, split, selectedOn, train: { ...main, ids: split.train }, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}
