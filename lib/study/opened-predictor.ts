import type { Rows } from '../baselines/baselines-rows.js'
import { keptReader } from '../baselines/kept-predictions.js'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { findRun } from '../checkpoint/run-folder.js'
import { openBeside } from '../data/beside.js'
import { atOnce, makeWindows } from '../data/windows.js'
import type { judged } from '../evaluate/evaluate-fields.js'
import { openOutsider } from '../evaluate/outside/open-outsider.js'
import type { Outsider } from '../evaluate/outside/outsider.js'
import { type Chosen, chooseRows } from '../evaluate/subject.js'
import { trainedShare } from '../evaluate/trained-on.js'
import { native } from '../native.js'
import type { Options } from '../options.js'
import { call, Tensor } from '../torch/tensor.js'
import { unitVectors } from '../torch/unit-vectors.js'

type Asked = Pick<Options<typeof judged>, 'data' | 'space' | 'normalize' | 'rows' | 'device' | 'threads'>
/** Predicts from contexts. Shapes: [n, context, dim] → unit vectors [n, dim]. */
type Predict = (contexts: Tensor) => Promise<Tensor>

/** A run or a predictor that is none, opened for the windows that it is judged on. */
export interface OpenedPredictor {
  readonly name: string
  /** Architecture of a run; file or function. */
  readonly model: string
  /** SHA-256 of the weights or of the file; null for a function. */
  readonly hash: string | null
  readonly output: 'raw' | 'unit'
  readonly chosen: Chosen
  /** Undefined for a predictor that is no run. */
  readonly run: Model | undefined
  /** Undefined for a file, which holds predictions of the chosen windows and nothing else. */
  readonly predict: Predict | undefined
  /** What is not known of a predictor that is no run, and what a file cannot be asked; null for a run. */
  readonly note: string | null
  /** Share of some of the chosen windows that it was trained on; null when that is not known. */
  trainedOn(rows: Pick<Rows, 'windows' | 'ids'>): number | null
  /** Predicts raw vectors for windows; those of a file are the chosen ones. */
  read(rows: Rows): (ids: Int32Array) => Promise<Tensor>
  dispose(): void
}

/** Calls `answer` for contexts, some at a time. */
const inBatches =
  (answer: Predict): Predict =>
  async (contexts) => {
    const [n, context] = contexts.shape as [number, number]
    const parts: Tensor[] = []
    try {
      for (let at = 0; at < n; at += atOnce(context)) {
        using some = await contexts.op('aten::narrow', 0, at, Math.min(atOnce(context), n - at))
        parts.push(await answer(some))
      }
      return (await call('aten::cat', [parts])) as Tensor
    } finally {
      for (const part of parts) part.dispose()
    }
  }

async function openRun(name: string, o: Asked): Promise<OpenedPredictor> {
  const model = await load(name, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  try {
    const chosen = await chooseRows(model, o)
    return {
      name: model.name,
      model: model.manifest.model,
      hash: model.weights,
      output: model.manifest.output,
      chosen,
      run: model,
      predict: inBatches(async (some) => Tensor.wrap(await native.modelPredict(model.native, some.native, false))),
      note: null,
      trainedOn: (rows) => trainedShare(rows, chosen.train),
      read: (rows) => keptReader(model, rows),
      dispose() {
        chosen.dispose()
        model.dispose()
      },
    }
  } catch (error) {
    model.dispose()
    throw error
  }
}

/** What to say of a predictor that is no run; `unasked` names what a file cannot be asked. */
function noteOn(name: string, isFile: boolean, trainedOn: number | null, unasked: string | undefined): string | null {
  const training = trainedOn === null ? 'whether it was trained on these windows is not known' : undefined
  const missing = isFile && unasked !== undefined ? `it has no answer to ${unasked}, which are left out` : undefined
  const what = [training, missing].filter((part) => part !== undefined)
  return what.length === 0 ? null : `${name}: a ${isFile ? 'file of predictions' : 'function'}; ${what.join('; ')}`
}

async function openOther(
  one: Outsider,
  beside: string | undefined,
  o: Asked,
  unasked: string | undefined,
): Promise<OpenedPredictor> {
  const { name, file, output, chosen, own, trainedOn, read, dispose } = await openOutsider(one, beside, o)
  return {
    name,
    model: file === null ? 'function' : 'file',
    hash: file?.sha256 ?? null,
    output,
    chosen,
    run: undefined,
    predict:
      own &&
      inBatches(async (some) => {
        using raw = await own.predict(some)
        const { unit, norm } = await unitVectors(raw)
        norm.dispose()
        return unit
      }),
    note: noteOn(name, file !== null, trainedOn, unasked),
    trainedOn: () => trainedOn,
    read: (rows) => own?.readOn(rows) ?? read,
    dispose,
  }
}

/** Checks the names of all runs, before the first one takes minutes. Errors: RUN_MISSING. */
export async function requireRuns(all: readonly (string | Outsider)[]): Promise<void> {
  for (const one of all) if (typeof one === 'string') await findRun(one)
}

/** Name of a predictor in a list. */
export const nameOf = (one: string | Outsider): string => (typeof one === 'string' ? one : one.name!)

/** Opens one of several predictors; one that is no run is judged on the windows of the first run. `unasked`: what a file is not asked, in words. Errors: those of load and openOutsider. */
export const openPredictor = (
  one: string | Outsider,
  all: readonly (string | Outsider)[],
  o: Asked,
  unasked: string | undefined,
): Promise<OpenedPredictor> =>
  typeof one === 'string'
    ? openRun(one, o)
    : openOther(
        one,
        all.find((other) => typeof other === 'string'),
        o,
        unasked,
      )

/** Opens all windows of another file, for a predictor judged on `first`. Errors: those of openBeside. */
export async function otherRows({ base: first, reach, windows: own }: Chosen, path: string, space: string | undefined) {
  const base = await openBeside(first, path, { space, normalize: first.normalized, judged: true })
  const windows = makeWindows(base, reach ?? { context: own.context })
  return { base, windows, ids: Int32Array.from({ length: windows.count }, (_, i) => i) }
}
