import { lengthsOf } from '../../data/windows.js'
import { native } from '../../native.js'
import { type EvaluateOptions, type JudgedRows, scoreRun } from '../evaluate.js'
import { metrics } from '../metrics.js'
import type { OutsideEntry } from '../results-file.js'
import { judgedData } from '../subject.js'
import { judgeTiers } from '../tiers.js'
import type { OpenOutsider } from './open-outsider.js'

/** Evaluates a predictor that is no run, as `evaluateRun` does a run. Errors: those of its function; DIVERGED. */
export async function evaluateOutsider(
  outsider: OpenOutsider,
  rows: JudgedRows,
  o: Omit<EvaluateOptions, 'latency'>,
): Promise<OutsideEntry> {
  const { name: run, output, file, trainedOn } = outsider
  const predictions = async () => {
    using vectors = await outsider.read(rows.ids)
    return (await vectors.data()) as Float32Array
  }
  const scored = await scoreRun({ run }, rows, { ...o, latency: 0, predictions })
  const judged = await metrics({ ...scored, output, seed: o.seed ?? 0 })
  const { base, part, split } = rows
  const seen = (trainedOn ?? 0) > 0
  const loss = output === 'raw' ? judged.mse_raw : judged.mse_unit
  const figures = { val_loss: loss, val_cosine: judged.cosine.mean, train_seconds: null, weights_bytes: null }
  return {
    run,
    kind: file === null ? 'function' : 'file',
    predictions: file,
    rows: part,
    split,
    selected_on: null,
    trained_on: trainedOn,
    contexts: lengthsOf(rows.windows, rows.ids),
    data: await judgedData(base),
    output,
    ...judged,
    skill: seen ? null : judged.skill,
    latency: null,
    tiers: seen ? null : judgeTiers(figures),
    libtorch: native.libtorchVersion(),
  }
}
