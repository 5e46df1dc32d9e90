import { samplesOf } from '../baselines/baselines-rows.js'
import type { RunManifest } from '../checkpoint/run-manifest.js'
import type { Base } from '../data/base.js'
import { openBeside, underKnownHash } from '../data/beside.js'
import { readFold } from '../data/fold.js'
import { heldBytes } from '../data/held-bytes.js'
import { openBase } from '../data/open.js'
import { groupsOf, segments } from '../data/segments.js'
import { type Split, type SplitOptions, splitWindows } from '../data/split.js'
import { loadSplit } from '../data/split-file.js'
import { makeWindows, type Windows } from '../data/windows.js'
import { badOption, LvmError } from '../errors.js'
import { type NativeSamples, native } from '../native.js'
import { sampled } from '../statistics/random.js'
import { requireEncoder } from '../text/space/require-encoder.js'
import { requireDataMemory } from './estimate.js'
import { LEAST, reachOf, type TrainSettings } from './recipe.js'

/** Windows of one file, with their C++ handle. */
export interface Side {
  readonly base: Base
  readonly windows: Windows
  readonly samples: NativeSamples
}
/** Opened data of a training. */
export interface Prepared {
  readonly train: Side
  /** The same as `train` unless validation windows are in a separate file. */
  readonly val: Side
  /** Vectors of the longest context. */
  readonly context: number
  /** What the trainer reads: the training windows, or their articles in segments that are read once for all their targets. */
  readonly read: { readonly samples: NativeSamples; readonly groups: number | undefined; readonly items: number }
  readonly batchVectors: number
  readonly split: Split
  readonly warnings: readonly string[]
  /** Memory of the vectors, without memory-mapped ones. */
  readonly bytes: number
  dispose(): void
}

const sideOf = (base: Base, o: TrainSettings): Omit<Side, 'samples'> => ({
  base,
  windows: makeWindows(base, reachOf(o), { cross: o.split === 'windows' }),
})

/** With `sequence` and a history: the training windows in segments, and how many segments make a batch of so many vectors. */
function articlesRead(
  { objective, history, batchVectors: most }: TrainSettings,
  { base, windows }: Omit<Side, 'samples'>,
  split: Split,
  fitsBatch: boolean,
) {
  if (objective !== 'sequence' || history === undefined || base.kind === 'sequences') return undefined
  const batchVectors = fitsBatch ? fittingBatch(most, groupsOf(segments(windows, windows.context), split.train).vectors) : most
  const cut = segments(windows, history === 'article' ? batchVectors : windows.context)
  const { groups, vectors } = groupsOf(cut, split.train)
  return { windows: cut, items: groups, groups: Math.max(1, Math.round((batchVectors * groups) / vectors)), batchVectors }
}

/** Halves the batch of a recipe until an epoch over all `vectors` has enough steps. */
export function fittingBatch(recommended: number, vectors: number): number {
  let batch = recommended
  while (batch * LEAST.steps > vectors && batch / 2 >= LEAST.vectors) batch /= 2
  return batch
}

/** Opens the validation file: `--val`, or else the validation part of the training file. Errors: BAD_OPTION without either. */
async function openVal(o: TrainSettings, train: Base): Promise<Omit<Side, 'samples'> | undefined> {
  if (o.split !== 'file') return undefined
  const open = async (path: string, part?: 'val') =>
    sideOf(await openBeside(train, path, { space: o.space, normalize: o.normalize, part }), o)
  if (o.val !== undefined) return open(o.val)
  if (train.parts.includes('val')) return open(o.data!, 'val')
  throw badOption('train', 'val', 'a validation file with "split" file', undefined)
}

/** Errors: BAD_CHECKPOINT for other data than a run was started with. */
function requireSameData(
  path: unknown,
  found: { data: string; val: string | undefined },
  saved: NonNullable<RunManifest['data']>,
) {
  if (found.data === saved.hash && found.val === saved.val?.hash) return
  throw new LvmError('BAD_CHECKPOINT', `${path}: expected the data the run was started with but its hash differs`, {
    hint: 'resume with the same file, or start another run with --name',
  })
}

/**
 * Opens the data of a training, checks it and splits its windows; `saved` is the split of a resumed run, and with `fitsBatch` the batch
 * is made smaller on little data.
 *
 * Errors: those of openBase, splitWindows and loadSplit; OUT_OF_MEMORY for data that cannot fit; DATA_TOO_FEW without validation windows.
 */
export async function prepare(
  o: TrainSettings,
  saved?: { split: string; data: NonNullable<RunManifest['data']> },
  fitsBatch = false,
): Promise<Prepared> {
  if (o.data === undefined) throw badOption('train', 'data', 'a file of vectors', undefined, 'add --data FILE')
  const both = o.split === 'file' && o.val === undefined
  const own = await heldBytes(o.data, { normalize: o.normalize, both })
  const bytes = own + (o.split === 'file' && o.val !== undefined ? await heldBytes(o.val, o) : 0)
  requireDataMemory(bytes)
  const opened: Base[] = []
  const handles: NativeSamples[] = []
  const dispose = () => {
    for (const handle of handles) native.dispose(handle)
    for (const base of opened) base.dispose()
  }
  try {
    const encoder = saved === undefined ? o.encoder : undefined // a resumed run has measured this file before
    const first = await underKnownHash(await openBase(o.data, { space: o.space, normalize: o.normalize }), saved?.data)
    opened.push(first)
    const train = sideOf(await requireEncoder(first, encoder), o)
    const val = await openVal(o, train.base)
    if (val !== undefined) {
      opened.push(val.base)
      await requireEncoder(val.base, encoder, train.base)
    }
    if (saved !== undefined) requireSameData(o.data, { data: train.base.hash, val: val?.base.hash }, saved.data)
    const split = saved
      ? await loadSplit(saved.split, train, val)
      : limited(splitWindows(train.windows, train.base, drawnBy(o, val)), o)
    if (split.val.length === 0) throw new LvmError('DATA_TOO_FEW', `${o.data}: expected validation windows but there are none`)
    const side = (s: Omit<Side, 'samples'>): Side => {
      const samples = samplesOf(s)
      handles.push(samples)
      return { ...s, samples }
    }
    const trainSide = side(train)
    const articles = articlesRead(o, train, split, fitsBatch)
    const read = articles === undefined ? trainSide : side({ base: train.base, windows: articles.windows })
    return {
      context: Math.max(train.windows.context, val?.windows.context ?? 0),
      read: { samples: read.samples, groups: articles?.groups, items: articles?.items ?? split.train.length },
      train: trainSide,
      val: val ? side(val) : trainSide,
      batchVectors: articles?.batchVectors ?? o.batchVectors,
      split,
      warnings: [...train.base.warnings, ...(val?.base.warnings ?? [])],
      bytes,
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}

/** Marks the rows of the test part (its articles, or the targets of a split by windows), which pools leave out; undefined without one. */
export function heldRows({ base, windows }: Pick<Side, 'base' | 'windows'>, { test, leaky }: Split): Uint8Array | undefined {
  if (test === undefined) return undefined
  const held = new Uint8Array((base.targets ?? base.vectors).shape[0]!)
  for (const id of test) held[windows.target[id]!] = 1
  if (leaky || base.kind === 'sequences' || base.articles === undefined) return held
  const articles = new Set(test.map((id) => windows.article[id]!))
  return held.map((own, row) => (articles.has(base.articles!.of[row]!) ? 1 : own))
}

const splitSeed = (o: TrainSettings): number => o.splitSeed ?? o.seed

const drawnBy = (o: TrainSettings, val: SplitOptions['val']): SplitOptions => ({
  mode: o.split,
  seed: splitSeed(o),
  test: o.test,
  fold: o.fold === undefined ? undefined : readFold('train', o.fold),
  val,
})

const limited = (split: Split, o: TrainSettings): Split => ({
  ...split,
  train: sampled(split.train, o.maxWindows, splitSeed(o)),
  val: sampled(split.val, o.maxWindows, splitSeed(o)),
})
