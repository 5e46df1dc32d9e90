import type { Baseline, BaselineName } from '../../baselines/baselines-fit.js'
import { samplesOf } from '../../baselines/baselines-rows.js'
import type { Model } from '../../checkpoint/model.js'
import { type Pool, ranks } from '../../evaluate/search.js'
import type { Chosen } from '../../evaluate/subject.js'
import { native } from '../../native.js'
import { Tensor } from '../../torch/tensor.js'
import { searchWithBaseline, searchWithModel } from '../retrieval/judge-retrieval.js'

/** A way to make the query of a search. */
export interface Arm {
  readonly name: string
  readonly kind: 'run' | 'heuristic'
  readonly params: Readonly<Record<string, number>>
  /** Returns the ranks of all targets, context left out. */
  ranks(): Promise<Int32Array>
  /** Makes the query of one window, as a server does. Shapes: [1, dim]. */
  query(window: number): Promise<Tensor>
  dispose(): void
}

/** Arm that searches with the predictions of a run. */
export function armOfRun(model: Pick<Model, 'native' | 'name'>, chosen: Chosen, pool: Pool): Arm {
  const samples = samplesOf(chosen)
  return {
    name: model.name,
    kind: 'run',
    params: {},
    ranks: async () => ranks((await searchWithModel(model, chosen, pool)).allowed),
    query: async (window) => Tensor.wrap(await native.predict(model.native, samples, chosen.ids.subarray(window, window + 1), 1)),
    dispose: () => native.dispose(samples),
  }
}

/** Arm that searches with a vector computed from the context without a model. */
export const armOfHeuristic = (baseline: Baseline<BaselineName>, chosen: Chosen, pool: Pool): Arm => ({
  name: baseline.name,
  kind: 'heuristic',
  params: baseline.params,
  ranks: async () => ranks((await searchWithBaseline(baseline, chosen, pool)).allowed),
  query: (window) => baseline.predict(chosen, chosen.ids.subarray(window, window + 1)),
  dispose: () => baseline.dispose(),
})
