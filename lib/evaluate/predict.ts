import { samplesOf } from '../baselines/baselines-rows.js'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { longDoor } from '../control.js'
import { mainData, type WithData } from '../data/given-data.js'
import { atOnce, lengthOf } from '../data/windows.js'
import { optional, withFields, word } from '../door.js'
import { badOption } from '../errors.js'
import { npyHeader } from '../files/npy.js'
import { requireReplaceable } from '../files/replaceable.js'
import { publish } from '../files/write.js'
import { native, type TypedArray } from '../native.js'
import { type Given, resolve } from '../options.js'
import { stage, tally } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import { predictFields } from './evaluate-fields.js'
import { streamed } from './stream-predictions.js'
import { type Chosen, chooseRows } from './subject.js'
import { trainedShare } from './trained-on.js'

/** Options of `predict`: the run, the file to write, and any field of `predictFields`. */
export interface PredictOptions extends WithData<Given<typeof predictFields>> {
  /** Folder of the run, or its name below `artifacts/lvm/models`. */
  readonly run: string
  readonly out: string
}
/** Contents of the .json file that `predict` writes, and its return value. */
export interface Predicted {
  readonly version: 1
  readonly run: string
  readonly rows: number
  readonly dim: number
  readonly part: string
  /** Share of the predicted windows that were used for training; null when the data is not the training data. */
  readonly trained_on: number | null
  /** unit: predictions have length 1; raw: output of the head, in the scale of the loss. */
  readonly scale: 'unit' | 'raw'
  /** Path of the predictions. Shapes: [rows, dim], float32. */
  readonly out: string
  /** Row and article of each target. */
  readonly index: string
}

const BLOCK = 4096

/** Yields blocks of predictions, each made from its window; unit vectors, or with `asRaw` the output of the head. */
async function* byWindow(model: Model, { base, windows, ids }: Chosen, asRaw: boolean): AsyncGenerator<TypedArray> {
  const samples = samplesOf({ base, windows })
  try {
    for (let at = 0; at < ids.length; at += BLOCK) {
      tally(at, ids.length)
      using raw = Tensor.wrap(await native.predict(model.native, samples, ids.subarray(at, at + BLOCK), atOnce(windows.context)))
      if (asRaw) {
        yield await raw.data()
        continue
      }
      using norm = await raw.op('aten::linalg_vector_norm', 2, [-1], true)
      using safe = await norm.op('aten::clamp_min', 1e-12)
      using unit = await raw.op('aten::div', safe)
      yield await unit.data()
    }
  } finally {
    native.dispose(samples)
  }
}

async function* npyOf(
  model: Model,
  chosen: Chosen,
  o: { stream: boolean; raw: boolean },
): AsyncGenerator<NodeJS.ArrayBufferView> {
  yield npyHeader(chosen.ids.length, model.dim)
  yield* o.stream ? streamed(model, chosen, o.raw) : byWindow(model, chosen, o.raw)
}

const ARGS = { options: withFields({ run: word, data: optional(mainData), out: optional(word) }) }

/**
 * Writes the predictions of a run as `.npy`, and the row and article of each target as `.json` beside it. Predictions are unit
 * vectors whatever the scale of the data, or with `raw` the output of the head.
 *
 * Errors: those of load and of the data; BAD_OPTION when `out` does not end in .npy, or is a file that `predict` did not write.
 */
export const predict = longDoor('predict', ARGS, async ({ run, ...given }: PredictOptions): Promise<Predicted> => {
  const o = resolve('predict', predictFields, given)
  if (o.out === undefined || !o.out.endsWith('.npy')) throw badOption('predict', 'out', 'a file that ends in .npy', o.out)
  const { out } = o
  const index = out.replace(/\.npy$/, '.json')
  await requireReplaceable('predict', [out, index], index, /"scale":"(unit|raw)"/)
  using model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  const chosen = await chooseRows(model, o)
  try {
    const { base, windows, ids } = chosen
    const share = trainedShare(chosen, chosen.train)
    const scale = o.raw ? 'raw' : 'unit'
    const document = {
      version: 1,
      run: model.name,
      model: model.manifest.model,
      part: chosen.part,
      scale,
      output: model.manifest.output,
      data: { path: base.path, hash: base.hash, space: base.space ?? null },
      trained_on: share,
      split: chosen.split ? { mode: chosen.split.mode, leaky: chosen.split.leaky, seed: chosen.split.seed } : null,
      context: o.stream || windows.length !== undefined ? null : windows.context,
      lengths: o.stream || windows.length === undefined ? null : Array.from(ids, (id) => lengthOf(windows, id)),
      rows: Array.from(ids, (w) => windows.target[w]!),
      articles: Array.from(ids, (w) => base.articles?.ids[windows.article[w]!] ?? null),
    }
    await stage('predict', () => publish({ [index]: `${JSON.stringify(document)}\n`, [out]: npyOf(model, chosen, o) }))
    return {
      version: 1,
      run: model.name,
      rows: ids.length,
      dim: model.dim,
      part: chosen.part,
      trained_on: share,
      scale,
      out,
      index,
    }
  } finally {
    chosen.dispose()
  }
})
