import { type Rows, take } from '../../baselines/baselines-rows.js'
import { findRun } from '../../checkpoint/run-folder.js'
import { openBase } from '../../data/open.js'
import { makeWindows, type Reach } from '../../data/windows.js'
import { badOption, LvmError } from '../../errors.js'
import type { Options } from '../../options.js'
import type { Tensor } from '../../torch/tensor.js'
import type { predictFields } from '../evaluate-fields.js'
import { type Chosen, chooseRows, describeRun } from '../subject.js'
import { answersFor, answersTo, requireFinite } from './ask-function.js'
import type { Outsider, OwnPredictor } from './outsider.js'
import { openPredictions, type Predictions } from './predictions.js'

type Asked = Pick<Options<typeof predictFields>, 'data' | 'space' | 'normalize' | 'rows'>

/** A predictor that is no run, opened for the windows that it is judged on. */
export interface OpenOutsider {
  readonly name: string
  /** What the figures of a loss are computed on: raw vectors, or their directions. */
  readonly output: 'raw' | 'unit'
  /** File of the predictions and its SHA-256; null for a function. */
  readonly file: { readonly path: string; readonly sha256: string } | null
  readonly chosen: Chosen
  /** Share of these windows that it was trained on; null when that is not known. */
  readonly trainedOn: number | null
  /** Reads the predictions for some of the windows. Shapes: [ids, dim], float32. */
  read(ids: Int32Array): Promise<Tensor>
  /** What only a function can be asked: windows of other data, and any contexts. Shapes: predict [n, context, dim] → [n, dim]. */
  readonly own?: {
    readOn(rows: Rows): (ids: Int32Array) => Promise<Tensor>
    predict(contexts: Tensor): Promise<Tensor>
  }
  dispose(): void
}

/** Chooses windows where no run says which. Errors: those of the data. */
async function openAlone(
  name: string,
  { data, reach, cross }: { data: string; reach: Reach; cross: boolean },
  o: Asked,
): Promise<Chosen> {
  if (o.rows !== 'auto' && o.rows !== 'all')
    throw badOption(name, 'rows', 'no value without a run, whose split it names,', o.rows, 'name the run of that split too')
  const base = await openBase(data, { space: o.space, normalize: o.normalize })
  try {
    const windows = makeWindows(base, reach, { cross })
    const ids = Int32Array.from({ length: windows.count }, (_, i) => i)
    const dispose = () => base.dispose()
    return { base, windows, ids, reach, part: 'all', split: undefined, selectedOn: false, train: undefined, dispose }
  } catch (error) {
    base.dispose()
    throw error
  }
}

/** Which of its own rows a file is judged on. Errors: DATA_SHAPE. */
function idsOf({ path, places }: Predictions, { windows, ids }: Chosen, beside: boolean): Int32Array {
  const has = (id: number) => places.has(windows.target[id]!)
  const own = ids.filter(has)
  if (beside) {
    const missing = ids.find((id) => !has(id))
    if (missing === undefined) return ids
    throw new LvmError(
      'DATA_SHAPE',
      `${path}: expected predictions for all ${ids.length} judged windows but ${ids.length - own.length} are missing, first that of row ${windows.target[missing]}`,
      {
        hint: 'predict these rows too (the .json file that predict writes for the run lists them), or judge the file without the run',
      },
    )
  }
  if (own.length === places.size) return own
  const targets = new Set(windows.target)
  const stray = [...places.keys()].find((row) => !targets.has(row))
  throw new LvmError(
    'DATA_SHAPE',
    `${path}: expected rows with ${windows.context} vectors of their article before them but row ${stray} has fewer, or is not in the data`,
    { hint: 'correct "rows" or "context" in the .json file, or name the data that was predicted with --data' },
  )
}

/** Share of the windows that a file says it was trained on; null where it does not follow. */
function shareOf({ trainedOn, places }: Predictions, judged: number): number | null {
  if (trainedOn === 0 || trainedOn === 1) return trainedOn
  return judged === places.size ? trainedOn : null
}

/** The part of the split that a file says it holds; otherwise all rows, or those that it lists. */
function partOf({ part }: Predictions, { windows }: Chosen, ids: Int32Array): Chosen['part'] {
  if (ids.length === windows.count) return 'all'
  return part ?? 'listed'
}

async function openFile(name: string, path: string, beside: string | undefined, o: Asked): Promise<OpenOutsider> {
  const file = await openPredictions(path)
  let chosen: Chosen | undefined
  try {
    chosen =
      beside === undefined ? await openAlone(name, file.windows(o.data), o) : await chooseRows(await describeRun(beside), o)
    const { base } = chosen
    if (file.hash !== undefined && file.hash !== base.hash)
      throw new LvmError('DATA_SHAPE', `${path}: expected predictions for ${base.path} but they were made for other data`, {
        hint: 'name the data that was predicted with --data, or predict again',
      })
    if (file.dim !== base.dim)
      throw new LvmError(
        'DATA_SHAPE',
        `${path}: expected vectors of dimension ${base.dim}, as ${base.path} has, but received ${file.dim}`,
        {
          hint: 'write one vector of that dimension for each row',
        },
      )
    const ids = idsOf(file, chosen, beside !== undefined)
    const { windows, dispose } = chosen
    const read = async (asked: Int32Array) => {
      const vectors = await take(
        file.vectors,
        asked.map((id) => file.places.get(windows.target[id]!)!),
      )
      await requireFinite(path, vectors)
      return vectors
    }
    return {
      name,
      output: file.output,
      file: { path, sha256: file.sha256 },
      chosen: { ...chosen, ids, part: beside === undefined ? partOf(file, chosen, ids) : chosen.part },
      trainedOn: shareOf(file, ids.length),
      read,
      dispose: () => {
        file.vectors.dispose()
        dispose()
      },
    }
  } catch (error) {
    file.vectors.dispose()
    chosen?.dispose()
    throw error
  }
}

async function openFunction(own: OwnPredictor, beside: string | undefined, o: Asked): Promise<OpenOutsider> {
  const { name, context, output = 'raw' } = own
  const alone = () => {
    if (o.data === undefined) throw badOption(name, 'data', 'a file of vectors, because no run is judged beside it,', undefined)
    if (context === undefined)
      throw badOption(name, 'context', 'an integer ≥ 1, because no run is judged beside it,', undefined, 'add context: 5')
    return openAlone(name, { data: o.data, reach: { context }, cross: false }, o)
  }
  if (beside !== undefined && context !== undefined)
    throw badOption(name, 'context', `no value beside ${beside}, whose contexts it reads,`, context, 'leave it out')
  const chosen = beside === undefined ? await alone() : await chooseRows(await describeRun(beside), o)
  const readOn = (rows: Rows) => (ids: Int32Array) => answersFor(own, rows, ids)
  return {
    name,
    output,
    file: null,
    chosen,
    trainedOn: null,
    read: readOn(chosen),
    own: { readOn, predict: (given) => answersTo(own, given) },
    dispose: chosen.dispose,
  }
}

/** Errors: BAD_OPTION when a run has the name, because their figures would replace each other's. */
async function requireOwnName(name: string): Promise<void> {
  const taken = await findRun(name).then(
    () => true,
    () => false,
  )
  if (taken) throw badOption('runs', 'name', 'a name that no run has', name, 'choose another one: NAME=FILE.npy')
}

/**
 * Opens a predictor that is no run for the windows of the run `beside`, or without one for those that it says itself.
 *
 * Errors: FILE_MISSING, DATA_FORMAT, DATA_SHAPE for predictions that do not fit the data; those of the data.
 */
export async function openOutsider(outsider: Outsider, beside: string | undefined, o: Asked): Promise<OpenOutsider> {
  await requireOwnName(outsider.name!)
  return 'predict' in outsider ? openFunction(outsider, beside, o) : openFile(outsider.name!, outsider.predictions, beside, o)
}
