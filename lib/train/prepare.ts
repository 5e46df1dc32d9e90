import type { Base } from '../data/base.js'
import { openBeside } from '../data/beside.js'
import { heldBytes } from '../data/held-bytes.js'
import { openBase } from '../data/open.js'
import { type Split, splitWindows } from '../data/split.js'
import { loadSplit } from '../data/split-file.js'
import { makeWindows, type Windows } from '../data/windows.js'
import { badOption, LvmError } from '../errors.js'
import { samplesOf } from '../evaluate/baselines-rows.js'
import { type NativeSamples, native } from '../native.js'
import { sampled } from '../statistics/random.js'
import { requireDataMemory } from './estimate.js'
import type { TrainSettings } from './recipe.js'

/** Windows of one file, in C++. */
export interface Side {
  readonly base: Base
  readonly windows: Windows
  readonly samples: NativeSamples
}
/** Everything a training reads. */
export interface Prepared {
  readonly train: Side
  /** The same as `train` unless the validation windows are in a file of their own. */
  readonly val: Side
  readonly split: Split
  readonly warnings: readonly string[]
  /** Memory that the vectors take; what is mapped takes none. */
  readonly bytes: number
  dispose(): void
}

const sideOf = (base: Base, o: TrainSettings): Omit<Side, 'samples'> => ({
  base,
  windows: makeWindows(base, o.context, { cross: o.split === 'windows' }),
})

/** A file that holds both halves validates on its own second half; otherwise `--val` names the file. */
async function openVal(o: TrainSettings, train: Base): Promise<Omit<Side, 'samples'> | undefined> {
  if (o.split !== 'file') return undefined
  const open = async (path: string, part?: 'val') =>
    sideOf(await openBeside(train, path, { space: o.space, normalize: o.normalize, part }), o)
  if (o.val !== undefined) return open(o.val)
  if (train.parts.includes('val')) return open(o.data!, 'val')
  throw badOption('train', 'val', 'a validation file with "split" file', undefined)
}

/**
 * Opens the data of a training, checks it and divides its windows; `saved` is the split of a run that goes on.
 *
 * Errors: those of openBase, splitWindows and loadSplit; OUT_OF_MEMORY for data that cannot fit; DATA_TOO_FEW when nothing is left to validate on.
 */
export async function prepare(
  o: TrainSettings,
  saved?: { split: string; hash: string; valHash: string | null },
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
    const train = sideOf(await openBase(o.data, { space: o.space, normalize: o.normalize }), o)
    opened.push(train.base)
    const val = await openVal(o, train.base)
    if (val !== undefined) opened.push(val.base)
    if (saved !== undefined && (train.base.hash !== saved.hash || (val?.base.hash ?? null) !== saved.valHash)) {
      throw new LvmError('BAD_CHECKPOINT', `${o.data}: expected the data that the run was started with but its hash differs`, {
        hint: 'resume with the same file, or start another run with --name',
      })
    }
    const split = saved
      ? await loadSplit(saved.split, train, val)
      : limited(splitWindows(train.windows, train.base, { mode: o.split, seed: o.seed, test: o.test, val }), o)
    if (split.val.length === 0) throw new LvmError('DATA_TOO_FEW', `${o.data}: expected validation windows but there are none`)
    const side = (s: Omit<Side, 'samples'>): Side => {
      const samples = samplesOf(s)
      handles.push(samples)
      return { ...s, samples }
    }
    const trainSide = side(train)
    return {
      train: trainSide,
      val: val ? side(val) : trainSide,
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

const limited = (split: Split, { maxWindows, seed }: TrainSettings): Split => ({
  ...split,
  train: sampled(split.train, maxWindows, seed),
  val: sampled(split.val, maxWindows, seed),
})
