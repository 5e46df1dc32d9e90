import { contexts } from '../../baselines/baselines-rows.js'
import { random } from '../../statistics/random.js'
import { Tensor } from '../../torch/tensor.js'
import type { Read } from '../diagnose/ablations.js'
import { nearest } from '../nearest-rows.js'
import { rowOf, type Scene } from './scenes.js'

/** Predictors whose figures are known in advance. */
export const STAND_INS = ['oracle', 'copy_last', 'context_mean', 'random', 'constant'] as const
export type StandInName = (typeof STAND_INS)[number]

const flat = (rows: readonly (readonly number[])[]) => Float32Array.from(rows.flat())

/** Returns the mean of vectors. */
export const meanOf = (rows: readonly (readonly number[])[]): number[] =>
  rows[0]!.map((_, d) => rows.reduce((sum, row) => sum + row[d]!, 0) / rows.length)

/** Returns the prediction of a stand-in for one window. */
export function predictionOf(scene: Scene, name: StandInName, id: number): number[] {
  const { windows } = scene.rows
  const from = windows.first[id]!
  switch (name) {
    case 'oracle':
      return rowOf(scene, windows.target[id]!)
    case 'copy_last':
      return rowOf(scene, from + scene.context - 1)
    case 'context_mean':
      return meanOf(Array.from({ length: scene.context }, (_, j) => rowOf(scene, from + j)))
    case 'random':
      // The sum of four uniform numbers is close enough to a normal deviate for a uniform direction.
      return Array.from({ length: scene.dim }, (_, d) => {
        const at = 4 * (id * scene.dim + d)
        return random(99, at) + random(99, at + 1) + random(99, at + 2) + random(99, at + 3) - 2
      })
    case 'constant':
      return Array.from({ length: scene.dim }, (_, d) => (d % 3) - 0.5)
  }
}

/** Returns a predictor of windows. Shapes: ids → [n, dim]. */
export const predictAs =
  (scene: Scene, name: StandInName) =>
  async (ids: Int32Array): Promise<Tensor> =>
    Tensor.from(flat(Array.from(ids, (id) => predictionOf(scene, name, id))), [ids.length, scene.dim])

/** Returns a predictor of contexts, which may be ablated: it answers for the most similar context of the scene. */
export async function readAs(scene: Scene, name: StandInName): Promise<Read> {
  const all = Int32Array.from(scene.rows.windows.target.keys())
  const known = await contexts(scene.rows, all)
  const table = await known.op('aten::flatten.using_ints', 1, -1)
  known.dispose()
  return async (x) => {
    using queries = await x.op('aten::flatten.using_ints', 1, -1)
    const { row } = await nearest(queries, table, all)
    return await predictAs(scene, name)(row)
  }
}

/** Returns the targets of all evaluated windows. */
export const targetsOf = (scene: Scene): number[][] =>
  Array.from(scene.rows.ids, (id) => rowOf(scene, scene.rows.windows.target[id]!))
